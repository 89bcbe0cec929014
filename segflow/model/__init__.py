"""The nouns: frozen, without I/O, the same for every layer."""
