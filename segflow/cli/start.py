"""Where the command begins: what it needs takes a moment to import, and Ctrl-C may come in it."""

import sys


def start() -> int:
    """Run one command and return its exit code, as main() does."""
    try:
        from segflow.cli.main import main
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return main()
