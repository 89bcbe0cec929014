"""Parts of the reference: what single forms of the language mean, in plain Python."""
