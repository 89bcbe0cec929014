"""`segflow state …`: look at what is deployed."""
