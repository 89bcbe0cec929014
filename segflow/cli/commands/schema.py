"""`segflow schema`: the JSON Schemas of the YAML."""
