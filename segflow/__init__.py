"""segflow: user segments, channels and rules as code, planned before they are applied."""

__version__ = "0.1.0"
