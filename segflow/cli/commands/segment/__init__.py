"""`segflow segment …`: look at segments."""
