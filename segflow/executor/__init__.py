"""Apply and refresh: effects through ports only, journaled, under a lease."""
