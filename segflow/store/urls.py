"""Urls of stores: how they may be shown to a person, and what they name."""

import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from segflow.errors import RefusedError

# Up to the last @, wherever it stands: rather too much than half a password.
_CREDENTIALS = re.compile(r"(?<=://).*@", re.DOTALL)
_OPTIONS = re.compile(r"(?<=://)([^?]*)\?.*", re.DOTALL)


def masked(url: str) -> str:
    """The url without what may be secret: who logs in, the password, and all options."""
    return _OPTIONS.sub(r"\1?***", _CREDENTIALS.sub("***@", url))


def sqlite_path(url: str, root: Path | None) -> Path | None:
    """The file that a SQLite url names, a relative one from `root` (None: the working directory);
    None for the one in memory (`sqlite://`).

    Raises RefusedError for other databases, options, and text that is no url.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise RefusedError(
            f"state can't be kept in {masked(url)} yet",
            hint='use a SQLite file: url = "sqlite:///.segflow/state.db"',
        )
    if parsed.query or parsed.host or (parsed.database or "").startswith("file:"):
        raise RefusedError(
            f"the state url {masked(url)} has parts beyond the path of a file",
            hint='write the path alone: url = "sqlite:///.segflow/state.db"',
        )
    if parsed.database in (None, "", ":memory:"):
        return None
    return (root or Path()) / parsed.database


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        # The text is not shown: it may hold a password that can't be told from the rest.
        raise RefusedError(
            "the url of the state database can't be read",
            hint='it looks like this: url = "sqlite:///.segflow/state.db"',
        ) from None
