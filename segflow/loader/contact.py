"""Reads who may be written to: consents, suppressions and addresses."""

from segflow.loader.entity import IN_TABLE
from segflow.loader.records import Key, Record
from segflow.loader.shapes import Shape
from segflow.loader.slots import NAME, TEXT, choice
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)

_ENTITY = Key(NAME, required=True, doc="Whose users they are")
_KEY_COLUMN = "The column with the entity's key"

CONSENT_TABLE: Shape[ConsentTable] = Record(
    what="a table of consents",
    keys={
        "source": Key(NAME, required=True),
        "table": Key(TEXT, required=True),
        "key": Key(TEXT, required=True, doc=_KEY_COLUMN),
        "granted": Key(TEXT, required=True, doc="The boolean column that says yes or no"),
        "time": Key(TEXT, doc="The column that says from when on; for ever when left out"),
        "topic": Key(TEXT, doc="The column with the name of the topic"),
    },
    build=lambda values, node, found: ConsentTable(**values),
    stand_in=ConsentTable(source="", table="", key="", granted=""),
    example="{source: crm, table: consents, key: customer_id, granted: granted, time: changed_at}",
)
CONSENT: Shape[ConsentTopic] = Record(
    what="a consent",
    keys={
        "consent": Key(NAME, required=True, doc="The name of the topic"),
        "entity": _ENTITY,
        "at": Key(CONSENT_TABLE, doc="Where it is recorded", names=True),
        "default": Key(choice("granted", "denied"), doc="What holds for users without a row"),
    },
    build=lambda values, node, found: ConsentTopic(
        name=values["consent"],
        entity=values["entity"],
        at=values.get("at"),
        default=values.get("default", "denied"),
    ),
    example="{consent: marketing, entity: customer, at: {…}}",
)
SUPPRESSION_TABLE: Shape[SuppressionTable] = Record(
    what="a table of suppression",
    keys={
        "source": Key(NAME, required=True),
        "table": Key(TEXT, required=True),
        "key": Key(TEXT, doc=_KEY_COLUMN),
        "address": Key(TEXT, doc="The column with the address, in place of a key"),
        "channel": Key(TEXT, doc="The column that names the address it is for; all if left out"),
        "reason": Key(TEXT, doc="The column with the reason, for people"),
        "time": Key(TEXT, doc="The column that says from when on; always when left out"),
    },
    build=lambda values, node, found: SuppressionTable(**values),
    one_of=(("key", "address"),),
    stand_in=SuppressionTable(source="", table=""),
    example="{source: crm, table: bounces, address: email, time: bounced_at}",
)
SUPPRESSION: Shape[Suppression] = Record(
    what="a suppression",
    keys={
        "suppression": Key(NAME, required=True, doc="The name"),
        "entity": _ENTITY,
        "at": Key(SUPPRESSION_TABLE, doc="Where it is recorded", names=True),
    },
    build=lambda values, node, found: Suppression(
        name=values["suppression"], entity=values["entity"], at=values.get("at")
    ),
    example="{suppression: bounced, entity: customer, at: {…}}",
)
ADDRESS: Shape[ContactAddress] = Record(
    what="an address",
    keys={
        "address": Key(NAME, required=True, doc="The name"),
        "entity": _ENTITY,
        "field": Key(NAME, doc="The field that holds it", names=True),
        "at": Key(IN_TABLE, doc="Where it is, if it is no field", names=True),
        "topic": Key(NAME, doc="The consent that it takes to use it", names=True),
    },
    build=lambda values, node, found: ContactAddress(
        name=values["address"],
        entity=values["entity"],
        field=values.get("field"),
        at=values.get("at"),
        topic=values.get("topic"),
    ),
    apart=(("field", "at"),),
    hints={"consent": "write `topic`"},
    example="{address: email, entity: customer, field: email}",
)
