"""Adapters to the places that data is read from, one per engine; app/wiring.py chooses them."""
