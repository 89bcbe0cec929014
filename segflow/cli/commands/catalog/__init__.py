"""`segflow catalog …`: write the catalog."""
