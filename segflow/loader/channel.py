"""Reads channels and offers."""

from segflow.loader.findings import Findings
from segflow.loader.nodes import MapNode
from segflow.loader.records import Key, Record, Values
from segflow.loader.secrets import CHANNEL_SETTINGS
from segflow.loader.shapes import ListOf, Shape
from segflow.loader.slots import NAME, PROJECT_PATH, RATE, TEXT, choice, decimal, integer
from segflow.loader.times import DURATION
from segflow.model.channel import Channel, CodesFromFile, GeneratedCodes, Offer
from segflow.model.settings import SettingMap

CHANNEL_KINDS = ("webhook", "email", "sms", "push", "coupon", "kafka", "slack", "table", "file")

LIVE = Record(
    what="live",
    keys={"environments": Key(ListOf("environments", TEXT), required=True)},
    build=lambda values, node, found: values["environments"],
    example="{environments: [prod]}",
)


def settings_beside(keys: Values, values: Values) -> SettingMap:
    """What stands beside the known keys, in file order."""
    return SettingMap(items=tuple(pair for pair in values.items() if pair[0] not in keys))


def _channel(values: Values, node: MapNode, found: Findings) -> Channel:
    return Channel(
        name=values["channel"],
        kind=values["kind"],
        settings=settings_beside(_CHANNEL_KEYS, values),
        rate=values.get("rate"),
        idempotency=values.get("idempotency", "none"),
        live_environments=values.get("live", ()),
    )


_CHANNEL_KEYS = {
    "channel": Key(NAME, required=True, doc="The name"),
    "kind": Key(choice(*CHANNEL_KINDS), required=True, doc="How it delivers"),
    "rate": Key(RATE, doc="At most so many calls"),
    "idempotency": Key(choice("native", "none"), doc="native: a repeated call sends once"),
    "live": Key(LIVE, doc="Where it sends; elsewhere it records what it would send"),
}
CHANNEL: Shape[Channel] = Record(
    what="a channel",
    keys=_CHANNEL_KEYS,
    build=_channel,
    others=CHANNEL_SETTINGS,
    example="{channel: app_push, kind: webhook, url: ${PUSH_URL}}",
)

GENERATE = Record(
    what="generate",
    keys={
        "pattern": Key(TEXT, required=True, doc="Every * becomes a character"),
        "count": Key(integer(least=1), required=True),
    },
    build=lambda values, node, found: GeneratedCodes(**values),
    example='{pattern: "FIVE-********", count: 100000}',
)


def _codes(values: Values, node: MapNode, found: Findings) -> CodesFromFile | GeneratedCodes | None:
    generated: GeneratedCodes | None = values.get("generate")
    if generated is not None:
        return generated
    return CodesFromFile(path=values["file"]) if "file" in values else None


CODES = Record(
    what="codes",
    keys={"file": Key(PROJECT_PATH, doc="One code a line"), "generate": Key(GENERATE)},
    build=_codes,
    one_of=(("file", "generate"),),
    example="{file: codes/five_off.csv}",
)


def _offer(values: Values, node: MapNode, found: Findings) -> Offer:
    return Offer(
        name=values["offer"],
        codes=values["codes"],
        expires=values.get("expires"),
        value=values.get("value"),
    )


OFFER: Shape[Offer] = Record(
    what="an offer",
    keys={
        "offer": Key(NAME, required=True, doc="The name"),
        "codes": Key(CODES, required=True, doc="Where its codes come from"),
        "expires": Key(DURATION, doc="How long a code is good after it was given"),
        "value": Key(decimal(least="0"), doc="What one code costs"),
    },
    build=_offer,
    example="{offer: five_off, codes: {file: codes/five_off.csv}}",
)
