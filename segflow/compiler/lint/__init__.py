"""What is legal and probably not meant: warnings about a project that compiles."""
