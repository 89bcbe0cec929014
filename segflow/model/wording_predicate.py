"""The words of predicates, features, operators and windows."""

from decimal import Decimal
from typing import assert_never

from segflow.model import predicate as p
from segflow.model.operator import (
    Ahead,
    Among,
    Anniversary,
    Between,
    CountTest,
    Exists,
    InLast,
    InNext,
    ListMatch,
    MomentTest,
    OlderThan,
    OnCalendar,
    TextMatch,
)
from segflow.model.scalar import Const, Text
from segflow.model.window import Ago, Fixed, InCalendar, Window, Within
from segflow.model.wording_scalar import (
    calendar,
    decimal,
    duration,
    literal,
    moment,
    one_or_list,
    pairs,
    percent,
    without_absent,
)
from segflow.model.wording_text import Word, Words

_ONCE = (CountTest(op="at_least", count=1),)
_NEVER = (CountTest(op="exactly", count=0),)


def predicate(node: p.Predicate | None) -> Words | None:
    """A predicate as the mapping that stands for it in YAML; None for none."""
    return None if node is None else _predicate(node)


def _predicate(node: p.Predicate) -> Words:
    match node:
        case p.All(items=items):
            return {"all": _items(items)}
        case p.AnyOf(items=items):
            return {"any": _items(items)}
        case p.NoneOf(items=items):
            return {"none": _items(items)}
        case p.Not(item=item):
            return {"not": _predicate(item)}
        case p.Everyone():
            return {"everyone": True}
        case p.Test() | p.Periods() | p.EventHas() | p.Sequence() | p.Same():
            return without_absent(_of_events(node))
        case p.Held() | p.Changed() | p.Rank() | p.Sample() | p.Via() | p.Members():
            return without_absent(_of_others(node))
        case _:
            return without_absent(_of_names(node))


def _items(items: tuple[p.Predicate, ...]) -> Word:
    return [_predicate(item) for item in items]


def _of_events(node: p.Test | p.Periods | p.EventHas | p.Sequence | p.Same) -> Words:
    match node:
        case p.Test():
            return _test(node)
        case p.Periods():
            return _periods(node)
        case p.EventHas(which=which, aggregate=aggregate, has=has):
            return (
                {which: one_or_list(aggregate.events)}
                | _choice(aggregate)
                | {"has": _predicate(has)}
            )
        case p.Sequence():
            return _sequence(node)
        case p.Same(by=by, where=where, counts=counts):
            return {"same": pairs(by), "where": _predicate(where)} | _counts(counts)
        case _:
            assert_never(node)


_Named = p.InSegment | p.Transition | p.InFile | p.Consent | p.Reachable | p.Sql


def _of_names(node: _Named) -> Words:
    match node:
        case p.InSegment(segment=segment, snapshot=snapshot):
            return {"segment": segment, "as": "snapshot" if snapshot else None}
        case p.Transition(kind=kind, segment=segment, in_last=in_last):
            return {kind: segment, "in_last": duration(in_last)}
        case p.InFile(path=path):
            return {"in_file": path}
        case p.Consent(topic=topic):
            return {"consent": topic}
        case p.Reachable(address=address):
            return {"reachable": address}
        case p.Sql(query=query, source=source):
            return {"sql": query, "source": source}
        case _:
            assert_never(node)


_Other = p.Held | p.Changed | p.Rank | p.Sample | p.Via | p.Members


def _of_others(node: _Other) -> Words:
    match node:
        case p.Held(item=item, for_=length):
            return {"held": _predicate(item), "for": str(length)}
        case p.Changed(field=field, old=old, new=new, in_last=in_last):
            return {
                "changed": field,
                "from": None if old is None else literal(old),
                "to": None if new is None else literal(new),
                "in_last": duration(in_last),
            }
        case p.Rank():
            return _rank(node)
        case p.Sample(low=low, high=high, salt=salt):
            return {"sample": _percent_range(low, high), "salt": salt}
        case p.Via(relation=relation, where=where):
            return {"via": relation, "where": _predicate(where)}
        case p.Members(entity=entity, where=where, counts=counts, every=every):
            words: Words = {"members": entity, "where": _predicate(where)}
            return words | _counts(counts) | {"every": True if every else None}
        case _:
            assert_never(node)


# --- tests and aggregates --------------------------------------------------------------------


def _test(node: p.Test) -> Words:
    user_zone = node.user_zone
    match node.feature:
        case p.Aggregate(kind="count", events=events) as aggregate if _all_counts(node.operators):
            head = "did_not" if node.operators == _NEVER else "did"
            words = {head: one_or_list(events)} | _choice(aggregate)
            if node.operators not in (_ONCE, _NEVER):
                words |= _operators(node.operators)
            user_zone = user_zone or aggregate.user_zone
        case _:
            words = feature(node.feature) | _operators(node.operators)
    return words | {
        "ignore_case": True if node.ignore_case else None,
        "timezone": "user" if user_zone else words.get("timezone"),
    }


def _all_counts(operators: tuple[p.Operator, ...]) -> bool:
    return all(isinstance(operator, CountTest) for operator in operators)


def feature(node: p.Feature) -> Words:
    """A feature as the mapping that stands for it: {sum: purchase.amount, within: 30d}."""
    match node:
        case p.FieldFeature(field=field):
            return {"field": field}
        case p.PropertyFeature(property=prop):
            return {"property": prop}
        case p.ContextFeature(name=name):
            return {"context": name}
        case p.Aggregate(kind=kind, events=events, property=prop):
            names = events if prop is None else tuple(f"{event}.{prop}" for event in events)
            return {kind: one_or_list(names)} | _choice(node)
        case _:
            assert_never(node)


def _choice(aggregate: p.Aggregate) -> Words:
    """Which events: the filter, the window and its zone."""
    return without_absent(
        {"where": predicate(aggregate.where)}
        | _window(aggregate.window)
        | {"timezone": "user" if aggregate.user_zone else None}
    )


def _window(window: Window | None) -> Words:
    match window:
        case None:
            return {}
        case Within(duration=length):
            return {"within": str(length)}
        case Ago(start=start, end=end):
            return {"ago": _from_to(duration(start), duration(end))}
        case Fixed(since=since, until=until):
            return {"since": moment(since), "until": moment(until)}
        case InCalendar(span=span):
            return {"calendar": calendar(span)}
        case _:
            assert_never(window)


def _from_to(start: Word, end: Word) -> Words:
    return without_absent({"from": start, "to": end})


def _periods(node: p.Periods) -> Words:
    counts = {} if node.counts == _ONCE else _counts(node.counts)
    periods: Words = {"every": str(node.every), "last": node.last}
    periods |= _counts(node.holds)
    if node.skip_current:
        periods["skip_current"] = True
    events = one_or_list(node.aggregate.events)
    return {"did": events} | _choice(node.aggregate) | counts | {"periods": periods}


def _counts(counts: tuple[CountTest, ...]) -> Words:
    return {test.op: test.count for test in counts}


def _sequence(node: p.Sequence) -> Words:
    words: Words = {"sequence": [step(one) for one in node.steps], "span": duration(node.span)}
    return (
        words
        | _window(node.window)
        | {
            "by": pairs(node.by) if node.by else None,
            "timezone": "user" if node.user_zone else None,
        }
    )


def step(node: p.Step) -> Words:
    """A step of a sequence as the mapping that stands for it: {did: purchase, max_gap: 7d}."""
    return without_absent(
        {
            "did_not" if node.absent else "did": one_or_list(node.events),
            "where": predicate(node.where),
            "max_gap": duration(node.max_gap),
            "in_last": duration(node.in_last),
            "for": duration(node.for_),
        }
    )


def _rank(node: p.Rank) -> Words:
    bounds: Word
    if node.unit == "percent":
        bounds = _percent_range(node.low, node.high)
    else:
        low, high = _whole(node.low), _whole(node.high)
        bounds = [low, high] if node.low else high
    return {"rank": feature(node.feature), node.side: bounds, "among": predicate(node.among)}


def _percent_range(low: Decimal, high: Decimal) -> Word:
    return [percent(low), percent(high)] if low else percent(high)


def _whole(value: Decimal) -> Word:
    return int(value) if value == int(value) else decimal(value)


# --- operators -------------------------------------------------------------------------------


def _operators(operators: tuple[p.Operator, ...]) -> Words:
    words: Words = {}
    for operator in operators:
        key, value = _operator(operator)
        words[key] = value
    return words


def _operator(operator: p.Operator) -> tuple[str, Word]:
    match operator:
        case p.Compare(op=op, right=right):
            return op, operand(right)
        case Among(values=values, negated=negated):
            return "not_in" if negated else "in", [literal(value) for value in values]
        case Between(low=low, high=high):
            return "between", [literal(low), literal(high)]
        case Exists(expected=expected):
            return "exists", expected
        case TextMatch(op=op, text=text):
            return op, text
        case ListMatch(op=op, values=values):
            return op, [literal(value) for value in values]
        case p.Size(tests=tests):
            return "size", {test.op: operand(test.right) for test in tests}
        case CountTest(op=op, count=count):
            return op, count
        case _:
            return _instant_operator(operator)


_InstantOperator = MomentTest | InLast | OlderThan | InNext | Ahead | Anniversary | OnCalendar


def _instant_operator(operator: _InstantOperator) -> tuple[str, Word]:
    match operator:
        case MomentTest(op=op, moment=point):
            return op, moment(point)
        case InLast(duration=length):
            return "in_last", str(length)
        case OlderThan(duration=length):
            return "older_than", str(length)
        case InNext(duration=length):
            return "in_next", str(length)
        case Ahead(start=start, end=end):
            return "ahead", _from_to(duration(start), duration(end))
        case Anniversary():
            return "anniversary", _anniversary(operator)
        case OnCalendar(span=span):
            return "calendar", calendar(span)
        case _:
            assert_never(operator)


def _anniversary(operator: Anniversary) -> Word:
    if operator.month is not None and operator.day is not None:
        return f"{operator.month:02}-{operator.day:02}"
    if (operator.start_days, operator.end_days) == (0, 0):
        return "today"
    return {"from": f"{operator.start_days}d", "to": f"{operator.end_days}d"}


def operand(right: p.Operand) -> Word:
    """The right side of a comparison: a literal, or a feature with its factor."""
    match right:
        case Text() | Const():
            return literal(right)
        case p.Scaled(feature=scaled, times=times):
            return feature(scaled) | ({} if times is None else {"times": decimal(times)})
