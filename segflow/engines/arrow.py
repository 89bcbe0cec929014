"""What Arrow gives, made into sets of keys and into plain rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy
from pyroaring import BitMap64
from sqlalchemy import types
from sqlalchemy.sql import Select
from sqlalchemy.types import TypeEngine

from segflow.engines.bitmaps import bitmap, marked, masks_of, narrowed
from segflow.engines.buffers import column_of, numbers_of
from segflow.engines.connected import NEGATIVE, NO_TEXTS, first_line
from segflow.engines.roaring import Universe, ascends
from segflow.errors import UnusableDataError
from segflow.model.keys import KeyType
from segflow.ports import MASK_BITS, Keys

_SIGNED = 2**63


def keys_given(keys: Keys) -> pa.Array:
    """The keys as a column. Ordinals are not copied; they are signed where they fit, as most keys
    are."""
    if not isinstance(keys, BitMap64):
        return pa.array(sorted(keys), pa.string())
    type_ = np.int64 if not keys or keys.max() < _SIGNED else np.uint64
    return column_of(np.asarray(keys.to_array()).view(type_))


def typed_keys(source: str, found: pa.ChunkedArray, type_: KeyType) -> pa.ChunkedArray:
    """The keys as texts, or as ordinals. Raises UnusableDataError for those that are of no such
    type, or negative."""
    if type_ == "string":
        if not pa.types.is_string(found.type):
            raise UnusableDataError(
                f"source {source}: keys are of type {found.type}, not texts", hint=NO_TEXTS
            )
        return found
    if not pa.types.is_integer(found.type):
        raise UnusableDataError(
            f"source {source}: keys are of type {found.type}, not integers",
            hint="the key of an entity is a column of 64-bit integers",
        )
    try:
        return found.cast(pa.uint64())
    except pa.ArrowInvalid as error:
        raise UnusableDataError(
            f"source {source}: a key is negative: {first_line(error)}",
            hint=NEGATIVE,
        ) from error


def key_set(keys: pa.ChunkedArray) -> Keys:
    """The set of the keys, which are as typed_keys() gives them."""
    return frozenset(keys.to_pylist()) if pa.types.is_string(keys.type) else bitmap(narrowed(keys))


def key_sets(keys: pa.ChunkedArray, found: pa.Table, count: int) -> tuple[Keys, ...]:
    """The sets of so many segments: Engine.memberships() says which columns of masks stand in the
    table behind that of the keys."""
    masks = masks_of(found)
    if keys.type == pa.uint64():
        ordinals = numbers_of(keys)
        if not ascends(ordinals):
            order = np.argsort(ordinals, kind="stable")
            ordinals, masks = ordinals[order], [one[order] for one in masks]
        universe = Universe(ordinals)
        if universe.is_dense:
            return tuple(map(universe.bitmap, marked(masks, count, MASK_BITS)))
        keys = pa.chunked_array([column_of(ordinals)])
    inside = marked(masks, count, MASK_BITS)
    return tuple(key_set(pc.filter(keys, pa.array(one))) for one in inside)


def plain_rows(
    found: pa.Table, statement: Select[Any], dialect: sqlalchemy.Dialect
) -> Sequence[Mapping[str, Any]]:
    """The rows of a statement as Engine.rows() gives them."""
    declared = [one.type for one in statement.selected_columns]
    rows = zip(*(part.to_pylist() for part in found.columns), strict=True)
    return [
        {
            name: _plain(value, type_, dialect)
            for name, value, type_ in zip(found.column_names, row, declared, strict=True)
        }
        for row in rows
    ]


def _plain(value: Any, type_: TypeEngine[Any], dialect: sqlalchemy.Dialect) -> Any:
    """A value of a column of that type as the plain value that it is."""
    if value is None:
        return None
    if isinstance(type_, types.TypeDecorator):
        return type_.process_result_value(value, dialect)
    return bool(value) if isinstance(type_, types.Boolean) else value
