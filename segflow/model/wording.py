"""Objects in the words of their YAML: what the loader reads, given back without defaults."""

from typing import assert_never

from segflow.model import catalog as c
from segflow.model import contact
from segflow.model.channel import Channel, CodesFromFile, GeneratedCodes, Offer
from segflow.model.predicate import Predicate
from segflow.model.project import Object
from segflow.model.rule import Rule
from segflow.model.segment import DEFAULT_REFRESH, Cron, Every, OnStream, Protect, Refresh, Segment
from segflow.model.wording_predicate import feature, predicate
from segflow.model.wording_rule import rule
from segflow.model.wording_scalar import (
    decimal,
    duration,
    one_or_list,
    pairs,
    percent,
    rate,
    settings,
    url,
    without_absent,
)
from segflow.model.wording_text import Word, Words, line


def to_words(thing: Object) -> Words:  # noqa: C901 - one arm per kind
    """An object as its YAML document, JSON-like. Defaults are left out, secrets stay references;
    objects that differ have different words, but for the quotes around a literal and its type."""
    match thing:
        case c.Source():
            return _source(thing)
        case c.Entity():
            return _entity(thing)
        case c.Event():
            return _event(thing)
        case c.Relation():
            return _relation(thing)
        case contact.ConsentTopic():
            return _consent(thing)
        case contact.Suppression():
            return _suppression(thing)
        case contact.ContactAddress():
            return _address(thing)
        case Segment():
            return _segment(thing)
        case Channel():
            return _channel(thing)
        case Offer():
            return _offer(thing)
        case Rule():
            return rule(thing)
        case _:
            assert_never(thing)


def phrase(node: Predicate) -> str:
    """A predicate on one line: "did_not: purchase, within: 7d"."""
    return line(predicate(node) or {})


# --- catalog ---------------------------------------------------------------------------------


def _source(source: c.Source) -> Words:
    return without_absent(
        {
            "source": source.name,
            "engine": source.engine,
            "url": url(source.url),
            "tables": pairs(source.tables) if source.tables else None,
            "replica": None if source.replica is None else _replica(source.replica),
            "limits": None if source.limits is None else _limits(source.limits),
        }
    )


def _replica(replica: c.Replica) -> Words:
    return without_absent(
        {
            "url": url(replica.url),
            "max_lag": duration(replica.max_lag),
            "fallback": None if replica.fallback == "refuse" else replica.fallback,
        }
    )


def _limits(limits: c.Limits) -> Words:
    return without_absent(
        {
            "concurrency": limits.concurrency,
            "timeout": duration(limits.timeout),
            "rows": limits.rows,
            "windows": list(limits.windows) or None,
        }
    )


def _entity(entity: c.Entity) -> Words:
    natural = "direct" if entity.key_type == "integer" else "dictionary"
    ordinals = None if entity.ordinals == natural else entity.ordinals
    zone = {"field": entity.timezone_field, "default": entity.timezone_default}
    return without_absent(
        {
            "entity": entity.name,
            "key": without_absent({"type": entity.key_type, "ordinals": ordinals}),
            "population": _population(entity.population),
            "timezone": without_absent({**zone}) or None,
            "fields": {field.name: _field(field) for field in entity.fields} or None,
        }
    )


def _population(population: c.Population) -> Words:
    return without_absent(
        {
            "source": population.source,
            "table": population.table,
            "key": population.key,
            "since": population.since,
            "where": predicate(population.where),
        }
    )


def _field(field: c.Field) -> Words:
    places: list[Word] = [_location(place) for place in field.at]
    return without_absent(
        {
            "type": str(field.type),
            "at": places[0] if len(places) == 1 else places or None,
            "is": None if field.derived is None else feature(field.derived),
            "history": None if field.history is None else _history(field.history),
            "pii": True if field.pii else None,
        }
    )


def _location(place: c.Location) -> Words:
    return without_absent(
        {
            "source": place.source,
            "table": place.table,
            "index": place.index,
            "key": place.key,
            "column": place.column,
            "path": one_or_list(place.path) if place.path else None,
            "encoding": place.encoding,
        }
    )


def _history(history: c.History) -> Words:
    return {
        "source": history.source,
        "table": history.table,
        "key": history.key,
        "time": history.time,
        "column": history.column,
    }


def _event(event: c.Event) -> Words:
    stream = event.stream
    tables: list[Word] = [_event_table(table) for table in event.tables]
    return without_absent(
        {
            "event": event.name,
            "entities": pairs(event.entities),
            "at": tables[0] if len(tables) == 1 else tables,
            "properties": {prop.name: _property(prop) for prop in event.properties} or None,
            "stream": None if stream is None else {"topic": stream.topic, "format": stream.format},
        }
    )


def _event_table(table: c.EventTable) -> Words:
    return without_absent(
        {
            "source": table.source,
            "table": table.table,
            "time": table.time,
            "id": None if table.id is None else {"column": table.id.column, "type": table.id.type},
            "unique": True if table.unique else None,
            "version": table.version,
            "arrived": table.arrived,
            "lateness": duration(table.lateness),
            "when": {test.column: _column_test(test) for test in table.when} or None,
        }
    )


def _column_test(test: c.ColumnTest) -> Word:
    if test.starts_with is not None:
        return {"starts_with": test.starts_with}
    return one_or_list(test.values)


def _property(prop: c.Property) -> Words:
    return without_absent(
        {
            "type": str(prop.type),
            "column": prop.column,
            "path": one_or_list(prop.path) if prop.path else None,
            "unnest": prop.unnest,
            "encoding": prop.encoding,
        }
    )


def _relation(relation: c.Relation) -> Words:
    return {
        "relation": relation.name,
        "from": {"entity": relation.from_entity, "column": relation.from_column},
        "to": {"entity": relation.to_entity},
    }


# --- who may be written to -------------------------------------------------------------------


def _consent(topic: contact.ConsentTopic) -> Words:
    return without_absent(
        {
            "consent": topic.name,
            "entity": topic.entity,
            "default": None if topic.default == "denied" else topic.default,
            "at": None if topic.at is None else _consent_table(topic.at),
        }
    )


def _consent_table(table: contact.ConsentTable) -> Words:
    return without_absent(
        {
            "source": table.source,
            "table": table.table,
            "key": table.key,
            "granted": table.granted,
            "time": table.time,
            "topic": table.topic,
        }
    )


def _suppression(suppression: contact.Suppression) -> Words:
    at = suppression.at
    return without_absent(
        {
            "suppression": suppression.name,
            "entity": suppression.entity,
            "at": None if at is None else _suppression_table(at),
        }
    )


def _suppression_table(table: contact.SuppressionTable) -> Words:
    return without_absent(
        {
            "source": table.source,
            "table": table.table,
            "key": table.key,
            "address": table.address,
            "channel": table.channel,
            "reason": table.reason,
            "time": table.time,
        }
    )


def _address(address: contact.ContactAddress) -> Words:
    return without_absent(
        {
            "address": address.name,
            "entity": address.entity,
            "field": address.field,
            "at": None if address.at is None else _location(address.at),
            "topic": address.topic,
        }
    )


# --- segments, channels, offers --------------------------------------------------------------


def _segment(segment: Segment) -> Words:
    plain_refresh = segment.refresh == DEFAULT_REFRESH
    return without_absent(
        {
            "segment": segment.name,
            "description": segment.description,
            "entity": segment.entity,
            "owner": segment.owner,
            "mode": None if segment.mode == "dynamic" else segment.mode,
            "refresh": None if plain_refresh else _refresh(segment.refresh),
            "where": predicate(segment.where),
            "protect": _protect(segment.protect) or None,
            "read_from": pairs(segment.read_from) or None,
        }
    )


def _refresh(refresh: Refresh) -> Word:
    match refresh:
        case Every(duration=length):
            return {"every": str(length)}
        case Cron(expression=expression, timezone=zone):
            return without_absent({"cron": expression, "timezone": zone})
        case OnStream():
            return "stream"
        case _:
            assert_never(refresh)


def _protect(protect: Protect) -> Words:
    return without_absent(
        {
            "max_change": None if protect.max_change is None else percent(protect.max_change),
            "max_size": protect.max_size,
            "prevent_destroy": True if protect.prevent_destroy else None,
        }
    )


def _channel(channel: Channel) -> Words:
    live = channel.live_environments
    words: Words = {
        "channel": channel.name,
        "kind": channel.kind,
        "rate": rate(channel.rate),
        "idempotency": None if channel.idempotency == "none" else channel.idempotency,
        "live": {"environments": list(live)} if live else None,
    }
    return without_absent(words) | settings(channel.settings)


def _offer(offer: Offer) -> Words:
    return without_absent(
        {
            "offer": offer.name,
            "codes": _codes(offer.codes),
            "expires": duration(offer.expires),
            "value": None if offer.value is None else decimal(offer.value),
        }
    )


def _codes(codes: CodesFromFile | GeneratedCodes) -> Words:
    match codes:
        case CodesFromFile(path=path):
            return {"file": path}
        case GeneratedCodes(pattern=pattern, count=count):
            return {"generate": {"pattern": pattern, "count": count}}
        case _:
            assert_never(codes)
