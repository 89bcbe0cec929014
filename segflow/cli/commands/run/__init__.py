"""`segflow run …`: look at what rules did."""
