"""Every port to the world as a Protocol, with its promise and the errors it raises.

Adapters (engines, store, …) implement these and are chosen in app/wiring.py alone. Sets of keys
cross as 64-bit roaring bitmaps, of keys that are texts as plain sets; instants as milliseconds UTC.
"""

from segflow.ports.documents import Documents
from segflow.ports.engines import (
    MASK_BITS,
    Engine,
    Reached,
    Selection,
    Split,
    Statement,
    Volume,
    as_documents,
    as_select,
)
from segflow.ports.keys import KeyColumn, Keys, is_among, keys_of
from segflow.ports.running import Channel, Channels, Delivery, Ledger, LedgerReader, Message
from segflow.ports.stages import Column, StagedTable
from segflow.ports.state import SnapshotStore, StateCommit, StateReader, StateStore
from segflow.ports.surroundings import Chance, Clock, Failpoint, Log, Pause, Progress

__all__ = [
    "MASK_BITS",
    "Chance",
    "Channel",
    "Channels",
    "Clock",
    "Column",
    "Delivery",
    "Documents",
    "Engine",
    "Failpoint",
    "KeyColumn",
    "Keys",
    "Ledger",
    "LedgerReader",
    "Log",
    "Message",
    "Pause",
    "Progress",
    "Reached",
    "Selection",
    "StagedTable",
    "SnapshotStore",
    "Split",
    "Statement",
    "StateCommit",
    "StateReader",
    "StateStore",
    "Volume",
    "as_documents",
    "as_select",
    "is_among",
    "keys_of",
]
