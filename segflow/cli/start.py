"""Where the command begins: what it needs takes a moment to import, and Ctrl-C may come in it."""

import gc
import sys


def start() -> int:
    """Run one command and return its exit code, as main() does. For a process that ends then."""
    # Nothing that imports make is garbage, and looking for some among it takes as long as the
    # imports of a small command; see LazyGroup for when it is looked for.
    gc.disable()
    try:
        from segflow.cli.main import main
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    try:
        return main()
    finally:
        # Python looks through all that is left when it ends, for a sixth of a small command's time.
        gc.freeze()
