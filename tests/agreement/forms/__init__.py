"""Forms of the language drawn for the agreement, each kind in a module of its own."""
