"""What a run has judged so far, on disk, so that one that was stopped can go on."""

import pickle
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.agreement.judging import Judged

FOLDER = Path(__file__).parents[2] / ".agreement"


@dataclass(frozen=True, slots=True)
class Kept:
    """The shops that were judged on some engines, by their numbers, each in a file."""

    folder: Path

    def judged(self, number: int) -> Judged | None:
        """What was found of a shop, if it was judged."""
        file = self.folder / f"{number}"
        if not file.exists():
            return None
        found = pickle.loads(file.read_bytes())
        assert isinstance(found, Judged)
        return found

    def keep(self, number: int, found: Judged) -> None:
        """Keep what was found; a shop about which sides differ is judged again."""
        if not found.differences:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / f"{number}.part"
            part.write_bytes(pickle.dumps(found))
            part.rename(self.folder / f"{number}")

    def forget(self) -> None:
        """Keep nothing any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


def kept(engines: Sequence[str], seed: int) -> Kept:
    """What was kept of shops of that seed; it is of these engines together only."""
    return Kept(FOLDER / f"{'+'.join(engines)}-{seed}")
