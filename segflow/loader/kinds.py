"""Every kind of document: which key tells it apart, and what reads it."""

from collections.abc import Mapping

from segflow.loader.catalog import ENTITY, EVENT, RELATION, SOURCE
from segflow.loader.segment import SEGMENT
from segflow.loader.shapes import Shape
from segflow.model.project import Object

READERS: Mapping[str, Shape[Object]] = {
    "segment": SEGMENT,
    "event": EVENT,
    "relation": RELATION,
    "entity": ENTITY,
    "source": SOURCE,
}  # type: ignore[assignment]
REFUSED: Mapping[str, str] = {
    "blueprint": "blueprints are not read by this version",
    "placement": "placements are not read by this version",
    "consent": "tables of consent are not read by this version",
    "suppression": "tables of suppression are not read by this version",
    "address": "tables of addresses are not read by this version",
    "check": "files of checks are not read by this version",
}
