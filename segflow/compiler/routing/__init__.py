"""Routing: which source answers which part of a predicate, and how the answers meet."""
