"""From a loaded project to typed definitions, and from those to what an engine runs."""
