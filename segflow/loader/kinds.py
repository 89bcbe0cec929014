"""Every kind of document: which key tells it apart, and what reads it."""

import re
from collections.abc import Mapping
from typing import Any

from segflow.loader.blueprint import BLUEPRINT
from segflow.loader.channel import CHANNEL, OFFER
from segflow.loader.contact import ADDRESS, CONSENT, SUPPRESSION
from segflow.loader.entity import ENTITY, RELATION
from segflow.loader.event import EVENT
from segflow.loader.findings import Findings
from segflow.loader.heads import keys_of
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, shorten
from segflow.loader.rule import RULE
from segflow.loader.segment import SEGMENT
from segflow.loader.shapes import Shape
from segflow.loader.source import SOURCE
from segflow.loader.suggest import nearest
from segflow.loader.trial import CHECK
from segflow.model.address import KINDS, Address
from segflow.model.project import Object
from segflow.model.trial import Check

READERS: Mapping[str, Shape[Object | Check]] = {
    "rule": RULE,
    "check": CHECK,
    "segment": SEGMENT,
    "channel": CHANNEL,
    "event": EVENT,
    "relation": RELATION,
    "consent": CONSENT,
    "suppression": SUPPRESSION,
    "address": ADDRESS,
    "offer": OFFER,
    "entity": ENTITY,
    "source": SOURCE,
}
REFUSED: Mapping[str, str] = {"placement": "placements are not read by this version"}
_BEGINS = "a document begins with its kind: " + ", ".join(KINDS)
_DECLARED = re.compile(
    rf"^ *(?:- +)?({'|'.join(KINDS)}) *: +[\"']?([a-z][a-z0-9_]*)\b", re.MULTILINE
)


SHAPES: Mapping[str, Shape[Any]] = {"blueprint": BLUEPRINT, **READERS}
"""Every document that is read: the objects, and what makes objects."""
_KEYS: Mapping[str, frozenset[str]] = {kind: frozenset(keys_of(of)) for kind, of in SHAPES.items()}


def kind_of(node: Node, findings: Findings) -> tuple[str | None, Node]:
    """The kind of a document, and the document with the right key for it; no kind, with an error,
    where it has none or is refused."""
    if not isinstance(node, MapNode):
        _no_mapping(node, findings)
        return None, node
    first = next(iter(node.entries), None)
    if first is None:
        findings.error("NAM003", "an object without a kind", node, help=_BEGINS)
        return None, node
    if first in REFUSED:
        findings.error("NOT001", REFUSED[first], node.entries[first][0], help="remove it")
        return None, node
    kind = next((kind for kind in KINDS if kind in node.entries), "")
    if kind in _KEYS and (node.entries.keys() <= _KEYS[kind] or kind == first == "channel"):
        return kind, node
    return _likely(first, kind, node, findings)


def _no_mapping(node: Node, findings: Findings) -> None:
    help = "for example segment: lapsed_7d"
    if isinstance(node, ListNode):
        help = "write the objects one after the other, without dashes, and --- between them"
    findings.wrong_shape(node, "an object, which is a mapping", help=help)


def _likely(first: str, kind: str, node: MapNode, findings: Findings) -> tuple[str | None, Node]:
    """The kind that a document with foreign keys most likely is of, by its keys."""
    known = {one: len(node.entries.keys() & keys) for one, keys in _KEYS.items()}
    most = max(known.values())
    likely = [one for one, number in known.items() if number == most > 0]
    near = None if first == kind else nearest(first, KINDS)
    if kind in likely and (near is None or first in _KEYS[kind]):
        return kind, node
    guess = near or (likely[0] if len(likely) == 1 else "")
    if guess in _KEYS and first in _KEYS[guess]:
        return guess, node  # its own key is missing, and its reader will tell
    key, value = node.entries[first]
    help = _BEGINS
    if first.removesuffix("s") in KINDS and not isinstance(value, Scalar):
        help = f"write one object after the other, --- between them, each with `{first[:-1]}: name`"
    elif near is not None:
        help = f"did you mean `{near}`?"
    elif guess and isinstance(value, Scalar):
        help = f"it looks like {_a(guess)}: write `{guess}` here"
    findings.error("NAM003", f"`{shorten(first)}` is no kind of object", key, help=help)
    if guess not in _KEYS or guess in node.entries or not isinstance(value, Scalar):
        return None, node
    findings.taken[first] = guess
    return guess, node.with_key(first, guess)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeo" else f"a {kind}"


def declared_in(text: str) -> set[Address]:
    """The objects that may be declared in a text that can't be read, as far as the lines tell."""
    return {Address(kind, name) for kind, name in _DECLARED.findall(text)}


def may_be(node: Node) -> set[Address]:
    """The objects that a document without a kind may declare."""
    first = next(iter(node.entries.values()), None) if isinstance(node, MapNode) else None
    if first is None or not isinstance(first[1], Scalar):
        return set()
    return {Address(kind, first[1].text) for kind in READERS}
