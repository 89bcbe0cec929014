"""segflow catalog import: a draft of the catalog from what a source has. draft.py is where to
start."""
