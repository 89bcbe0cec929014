"""`python -m segflow`, the same as the command `segflow`."""

import sys

from segflow.cli.main import main

sys.exit(main())
