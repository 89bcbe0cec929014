"""Where the command begins and ends: both take a moment, which small commands need not wait for."""

import atexit
import gc
import os
import sys
from typing import NoReturn


def start() -> NoReturn:
    """Run one command, and end the process with its exit code, as main() gives it."""
    _open_streams()
    # Nothing that imports make is garbage, and looking for some among it takes long; see LazyGroup
    # for when it is looked for.
    gc.disable()
    try:
        from segflow.cli.main import main
    except KeyboardInterrupt:  # which may come while that is imported
        print("interrupted", file=sys.stderr)
        _leave(130)
    try:
        code = main()
    except SystemExit as ended:  # as click ends where the reader of stdout is gone
        code = ended.code if isinstance(ended.code, int) else 1
    _leave(code)


def _open_streams() -> None:
    """Whoever starts a program with a closed stream does not want to read it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _leave(code: int) -> NoReturn:
    """End at once. Python would first look for garbage in all that there is and take its modules
    apart, for a fifth of a small command's time. A command has closed all that it opened when
    main() returns; what libraries want done at the end is done."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1  # what was printed is lost
    os._exit(code)
