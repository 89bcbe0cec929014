"""A machine whose time zone data is poor, for tests that run on one that knows all zones."""

import sys
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from unittest.mock import patch

from segflow.compiler import timeline


@contextmanager
def knowing_utc_only(folder: Path) -> Iterator[None]:
    """While this lasts the machine knows no zone but UTC; `folder` is one to put that into."""
    folder.mkdir()
    (folder / "UTC").write_bytes(files("tzdata").joinpath("zoneinfo/UTC").read_bytes())
    before = zoneinfo.TZPATH
    # Its parts too: those that other tests have imported are found without it.
    absent = {name: None for name in sys.modules if name.startswith("tzdata.")} | {"tzdata": None}
    try:
        with patch.dict(sys.modules, absent):
            zoneinfo.reset_tzpath(to=[str(folder)])
            zoneinfo.ZoneInfo.clear_cache()
            timeline.zone.cache_clear()
            yield
    finally:
        zoneinfo.reset_tzpath(to=before)
        zoneinfo.ZoneInfo.clear_cache()
        timeline.zone.cache_clear()
