"""Adapters that deliver messages, one per kind of channel; app/wiring.py chooses them."""
