"""Every kind of document: which key tells it apart, and what reads it."""

from collections.abc import Mapping

from segflow.loader.channel import CHANNEL, OFFER
from segflow.loader.entity import ENTITY, RELATION
from segflow.loader.event import EVENT
from segflow.loader.rule import RULE
from segflow.loader.segment import SEGMENT
from segflow.loader.shapes import Shape
from segflow.loader.source import SOURCE
from segflow.model.project import Object

READERS: Mapping[str, Shape[Object]] = {
    "rule": RULE,
    "segment": SEGMENT,
    "channel": CHANNEL,
    "event": EVENT,
    "relation": RELATION,
    "offer": OFFER,
    "entity": ENTITY,
    "source": SOURCE,
}
REFUSED: Mapping[str, str] = {
    "blueprint": "blueprints are not read by this version",
    "placement": "placements are not read by this version",
    "consent": "tables of consent are not read by this version",
    "suppression": "tables of suppression are not read by this version",
    "address": "tables of addresses are not read by this version",
    "check": "files of checks are not read by this version",
}
