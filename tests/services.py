"""Where the real servers are that tests ask; a test fails where one is not there."""

import os


def postgres_url() -> str:
    """A reader of the primary."""
    return os.environ.get(
        "SEGFLOW_TEST_POSTGRES_URL", "postgresql://segflow:segflow@127.0.0.1:5540/segflow"
    )


def postgres_owner_url() -> str:
    """Somebody who may make schemas there."""
    return os.environ.get(
        "SEGFLOW_TEST_POSTGRES_OWNER_URL", "postgresql://segflow:segflow@127.0.0.1:5540/segflow"
    )


def postgres_replica_url() -> str:
    """A reader of a hot standby of that server."""
    return os.environ.get(
        "SEGFLOW_TEST_POSTGRES_REPLICA_URL", "postgresql://segflow:segflow@127.0.0.1:5541/segflow"
    )
