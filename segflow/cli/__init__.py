"""The command line: parses what a person typed, calls app, shows what came back."""
