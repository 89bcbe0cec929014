"""One file per use case; wiring.py alone chooses adapters."""
