"""Reads tests of segments: those in a segment, and documents of their own."""

from segflow.loader.findings import Findings
from segflow.loader.heads import Headed
from segflow.loader.nodes import MapNode, Node
from segflow.loader.predicate import HEADS
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, Checked, ListOf, MapOf, Mapped, Shape, Slot
from segflow.loader.slots import BOOLEAN, LITERAL, NAME, TEXT, choice
from segflow.loader.times import MOMENT
from segflow.model.predicate import Everyone, InFile, Predicate
from segflow.model.scalar import Const, Text
from segflow.model.trial import (
    Check,
    Given,
    GivenValue,
    Trial,
    TrialChange,
    TrialEvent,
    TrialUser,
)

_VALUE: Slot[Text | Const] = Slot(
    LITERAL.expected,
    LITERAL.parse,
    LITERAL.json,
    LITERAL.name,
    if_missing="leave it out: what is not given is missing",
    stand_in=LITERAL.stand_in,
)
_GIVEN: Shape[GivenValue] = ByNode(
    "a value, or a list of them",
    scalar=_VALUE,
    items=ListOf("values", _VALUE, least=0),
    stand_in=LITERAL.stand_in,
)


def _event(given: Given, node: Node, found: Findings) -> TrialEvent | None:
    """The first key names the event and says when it was."""
    assert isinstance(node, MapNode)
    name = next(iter(node.entries))
    time = dict(given).get(name)
    if time is None:
        return None
    return TrialEvent(event=name, time=time, given=tuple(one for one in given if one[0] != name))


EVENT: Shape[TrialEvent] = Checked(
    MapOf("an event and its properties, such as {purchase: 2026-01-30}", NAME, _GIVEN), _event
)

_COMBINES = "name one leaf; all, any, none and not only combine leaves"
_ALGEBRA = ("all", "any", "none", "not")


def _named_only(leaf: Predicate, node: Node, found: Findings) -> Predicate:
    """A list file is read for the segment whose leaf it is, not for the test that names it."""
    if isinstance(leaf, InFile):
        found.lists.pop()
    return leaf


_LEAF: Shape[Predicate] = Headed(
    what="a leaf",
    heads={head: shape for head, shape in HEADS.items() if head not in _ALGEBRA},
    instead=dict.fromkeys(_ALGEBRA, _COMBINES),
    example="{did_not: purchase, within: 7d}",
    name="predicate",
    stand_in=Everyone(),
)
LEAF = Checked(_LEAF, _named_only)


def _user(values: Values) -> TrialUser:
    return TrialUser(
        entity=values.get("entity"),
        given=values.get("user", ()),
        via=values.get("via", ()),
        history=values.get("history", ()),
        events=values.get("events", ()),
        consents=values.get("consents", ()),
        addresses=values.get("addresses", ()),
        suppressed=values.get("suppressed", ()),
        members_of=values.get("members_of", ()),
    )


_CHANGE: Shape[TrialChange] = Record(
    what="a change",
    keys={
        "time": Key(_VALUE, required=True, doc="When it was"),
        "value": Key(_GIVEN, doc="What the value became; left out: missing"),
    },
    build=lambda values, node, found: TrialChange(**values),
    example="{time: 10d, value: pro}",
)
_OF_A_USER = {
    "user": Key(
        MapOf("fields and their values", NAME, _GIVEN),
        doc="Values of fields; key and since of the user",
    ),
    "via": Key(
        MapOf("relations and the keys that they lead to", NAME, _VALUE),
        doc="The keys of related users, by relation",
    ),
    "history": Key(
        MapOf("fields and their changes", NAME, ListOf("changes", _CHANGE)),
        doc="How the values of fields changed",
    ),
    "events": Key(ListOf("events", EVENT), doc="What the user did"),
    "consents": Key(
        MapOf("topics, each true or false", NAME, BOOLEAN),
        doc="What the user agreed to, and what not",
    ),
    "addresses": Key(
        MapOf("addresses and their values", NAME, _VALUE), doc="The addresses that are no fields"
    ),
    "suppressed": Key(ListOf("addresses", NAME), doc="The addresses that may not be used"),
    "members_of": Key(
        ListOf("segments and list files", TEXT),
        doc="The kept segments and the list files that the user is in",
    ),
}
_HINTS = {name: f"write it below `user`: {{{name}: …}}" for name in ("key", "since")}
OTHER: Shape[TrialUser] = Record(
    what="another user",
    keys={"entity": Key(NAME, doc="The entity, where it is not the segment's"), **_OF_A_USER},
    build=lambda values, node, found: _user(values),
    hints=_HINTS,
    example="{entity: account, user: {key: 7, plan: pro}}",
)


def _trial(values: Values, node: MapNode, found: Findings) -> Trial:
    return Trial(
        name=values["name"],
        as_of=values["as_of"],
        expect=values["expect"],
        user=_user(values),
        others=values.get("others", ()),
        because=values.get("because"),
    )


TESTS: Shape[tuple[Trial, ...]] = ListOf(
    "tests",
    Record(
        what="a test",
        keys={
            "name": Key(TEXT, required=True, doc="What it shows"),
            "as_of": Key(MOMENT, required=True, doc="The instant at which it is asked"),
            **_OF_A_USER,
            "others": Key(ListOf("users", OTHER), doc="All other users that there are"),
            "expect": Key(
                Mapped(choice("in", "out"), lambda word: word == "in"),
                required=True,
                doc="Whether the user is a member",
            ),
            "because": Key(LEAF, doc="The leaf that decides"),
        },
        build=_trial,
        hints=_HINTS,
        example="{name: a new user, as_of: 2026-01-31, events: [{purchase: 1d}], expect: out}",
    ),
)


def _check(values: Values, node: MapNode, found: Findings) -> Check:
    return Check(
        name=values["check"],
        segment=values["segment"],
        tests=values["tests"],
        description=values.get("description"),
    )


CHECK: Shape[Check] = Record(
    what="a check",
    keys={
        "check": Key(NAME, required=True, doc="The name"),
        "description": Key(TEXT, doc="For people"),
        "segment": Key(NAME, required=True, doc="The segment that is tested"),
        "tests": Key(TESTS, required=True, doc="Made-up users, and whether each is a member"),
    },
    build=_check,
    example="{check: lapsed, segment: lapsed_7d, tests: […]}",
)
