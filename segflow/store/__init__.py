"""Adapters that keep deployed state: a database of records and a store of snapshot bytes."""
