"""`python -m segflow`, the same as the command `segflow`."""

import sys

from segflow.cli.start import start

sys.exit(start())
