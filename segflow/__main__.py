"""`python -m segflow`, the same as the command `segflow`."""

from segflow.cli.start import start

start()
