"""segflow doctor: the catalog held against what sources hold. examine.py is where to start."""
