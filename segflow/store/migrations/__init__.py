"""One module per step of the state database's schema, m0001_first.py and on.

Each has migrate(connection) and is never changed once released: it says what the schema was then,
so it does not import tables.py. A new one is added to MIGRATIONS in store/schema.py.
"""
