"""What is asked for many segments: the population, and a part for all that rests on one scan."""

from pathlib import Path

from segflow.model.instant import parse_instant
from segflow.ports import Selection
from tests.compiler.projects import compiled
from tests.selections import select_shared

T = parse_instant("2026-01-31T00:00:00Z")


def asked(folder: Path, *wheres: str) -> Selection:
    texts = [
        f"segment: s{number}\nentity: customer\nwhere: {where}\n"
        for number, where in enumerate(wheres)
    ]
    names = [f"s{number}" for number in range(len(wheres))]
    return select_shared(compiled(folder, "---\n".join(texts)), names, T)


def scanned(selection: Selection) -> list[set[str]]:
    """The tables of events that each part, and in the end the query itself, reads."""
    (parts,) = selection.merged.values()
    statements = [*parts, selection.statement]
    return [{name for name in ("purchases", "visits") if name in str(one)} for one in statements]


def test_each_scan_is_a_part_of_its_own(tmp_path: Path) -> None:
    """So that they are asked side by side, and each once for all segments."""
    found = asked(
        tmp_path,
        "{did: purchase, within: 7d}",
        "{all: [{did: visit, within: 7d}, {did: purchase, within: 9d}]}",
        "{did_not: visit, within: 30d}",
    )
    assert scanned(found) == [set(), {"purchases"}, {"visits"}, set()]


def test_what_compares_two_scans_is_made_with_both(tmp_path: Path) -> None:
    """Else both would be scanned twice."""
    found = asked(
        tmp_path,
        "{sum: purchase.amount, within: 7d, gt: {sum: visit.amount, within: 7d}}",
        "{did: purchase, within: 7d}",
        "{did: visit, within: 7d}",
        "{field: country, eq: DE}",
    )
    assert scanned(found) == [set(), {"purchases", "visits"}, set(), set()]


def test_a_segment_in_another_is_marked_once(tmp_path: Path) -> None:
    """One bit serves both."""
    alone = asked(tmp_path, "{did: purchase, within: 7d}", "{did: visit, within: 7d}")
    nested = asked(
        tmp_path,
        "{did: purchase, within: 7d}",
        "{all: [{segment: s0}, {did: visit, within: 7d}]}",
    )
    first, again = (list(map(str, *one.merged.values())) for one in (alone, nested))
    assert first == again
