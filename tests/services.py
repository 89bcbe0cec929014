"""The real servers that tests ask; a test fails where one is not there."""

import os


def postgres_url() -> str:
    """PostgreSQL, as a user that may create schemas."""
    return os.environ.get(
        "SEGFLOW_TEST_POSTGRES_URL", "postgresql://segflow:segflow@127.0.0.1:5540/segflow"
    )
