"""Reads a project's files into the model, with every fault of the text and where it stands."""
