"""What predicates become for each kind of engine."""
