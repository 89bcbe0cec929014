"""Hypothesis strategies: shops with segments of every form that compiles, to ask them of."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from itertools import cycle

from hypothesis import strategies as st

from segflow.compiler.worlds import LoggedChange, World
from segflow.model.project import Project
from segflow.model.segment import Segment
from segflow.model.wording import phrase
from tests.agreement.cells import Cell, cells_of
from tests.agreement.choices import Pick, endless
from tests.agreement.data import Tables, world_of
from tests.agreement.forms import keys, log
from tests.agreement.forms.texts import entities_with_texts, with_texts
from tests.agreement.predicates import Wishes, any_form, predicate
from tests.agreement.rows import tables
from tests.agreement.shop import KEYS, STRANGERS, Shop, project, shop


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Example:
    """A project, rows for its tables, the same rows as the reference sees them, and an instant."""

    shop: Shop
    project: Project
    tables: Tables
    world: World

    def __repr__(self) -> str:
        """Rows are thousands: of a disagreement `smallest` tells which ones matter."""
        wheres = [f"{one.name}: {phrase(one.where)}" for one in self.project.segments()]
        return f"Example({self.shop.as_of}, {self.shop.zone}, {wheres})"

    @property
    def segments(self) -> tuple[str, ...]:
        """The names of the segments to evaluate."""
        return tuple(segment.name for segment in self.project.segments())

    def cells(self, name: str) -> frozenset[Cell]:
        """The cells that a segment is in."""
        segment = self.project.segment(name)
        assert segment is not None
        return cells_of(segment.where, segment.entity, self.project)


SHOP, ROWS, SEGMENT = 96, 3800, 170
"""So many bytes are drawn for each part of an example, which hypothesis lets have 8,192."""


def examples(segments: int) -> st.SearchStrategy[Example]:
    """A shop with rows and that many segments; later ones may rest on earlier ones."""
    size = size_of(segments)
    return st.binary(min_size=size, max_size=size).map(example)


def size_of(segments: int) -> int:
    """How many bytes an example with that many segments is made of."""
    return SHOP + ROWS + segments * SEGMENT


def example(entropy: bytes, wishes: Wishes = any_form) -> Example:
    """The example that the bytes stand for. Each part reads bytes of its own, so that a segment can
    shrink while rows and other segments stay; those of the rows are read again and again."""
    starts = range(SHOP + ROWS, len(entropy), SEGMENT)
    return composed(
        Pick(entropy[:SHOP]),
        Pick(cycle(entropy[SHOP : SHOP + ROWS])),
        [Pick(entropy[start : start + SEGMENT]) for start in starts],
        wishes,
    )


def seeded(
    seed: str, segments: int, wishes: Wishes = any_form, texts: Set[str] | None = None
) -> Example:
    """Always the same example for a seed, with that many segments; see composed()."""
    picks = (Pick(endless(f"{seed} {part}".encode())) for part in range(segments + 2))
    return composed(next(picks), next(picks), picks, wishes, depth=1, texts=texts)


def composed(
    of_shop: Pick,
    of_rows: Pick,
    of_segments: Iterable[Pick],
    wishes: Wishes = any_form,
    depth: int = 2,
    texts: Set[str] | None = None,
) -> Example:
    """The example of a shop, its rows and its segments, which are so deep at most and whose leaves
    are about what is wished for; the first one, which can rest on no other, is about anything. The
    keys of the entities `texts` are texts; None leaves that to the shop."""
    of = shop(of_shop)
    rows = tables(of_rows, of)
    made: list[Segment] = []
    recorded: dict[str, frozenset[int]] = {}
    logs: dict[str, tuple[LoggedChange, ...]] = {}
    for number, pick in enumerate(of_segments):
        name = f"s{number}"
        mode = "static" if pick.chance(8) else "dynamic"
        recorded[name] = frozenset(pick.part([*KEYS, *STRANGERS], 8))
        logs[name] = log.log(pick, [*KEYS, *STRANGERS], of.past)
        nested = [segment.name for segment in made]
        where = predicate(pick, of, nested, depth, wishes if nested else any_form)
        made.append(Segment(name=name, entity="customer", where=where, mode=mode))  # type: ignore[arg-type]
    whole = project(of, made)
    world = world_of(whole, "customer", rows, recorded, logs)
    world = replace(world, given=keys.answers(rows))
    if texts is None:
        texts = entities_with_texts(of_shop.below(6))
    whole, rows, world = with_texts(whole, rows, world, texts)
    return Example(shop=of, project=whole, tables=rows, world=world)
