"""Deadlines: the next instant at which a user's answer changes though nothing happens."""
