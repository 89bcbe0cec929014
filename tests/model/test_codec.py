"""The codec gives every model object a canonical text, and the object back."""

from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model import codec, plan, state
from segflow.model.address import Address
from segflow.model.codec import canonical, digest, from_canonical, to_json
from segflow.model.duration import Duration
from segflow.model.predicate import InSegment, Sample
from segflow.model.scalar import Const, Text
from segflow.model.segment import Segment
from segflow.model.types import BOOLEAN, DATE, FLOAT, INTEGER, STRING, decimal_type
from tests.model.predicates import tuples
from tests.model.strategies import KINDS, objects

texts = st.text(max_size=5)
maybe_text = st.none() | texts
addresses = st.builds(Address, st.just("segment"), texts)
counts = st.integers(0, 2**63)
files = tuples(st.tuples(texts, texts))
constants = (
    st.builds(Const, type=st.just(STRING), value=texts)
    | st.builds(Const, type=st.just(INTEGER), value=st.integers())
    | st.builds(Const, type=st.just(BOOLEAN), value=st.booleans())
    | st.builds(Const, type=st.just(DATE), value=st.dates())
    | st.builds(Const, type=st.just(FLOAT), value=st.floats(allow_nan=False))
    | st.builds(
        Const,
        type=st.just(decimal_type(38, 10)),
        value=st.decimals(allow_nan=False, allow_infinity=False, places=10),
    )
)
impacts = st.builds(
    plan.Impact,
    size_now=st.none() | counts,
    size_after=st.none() | counts,
    entered=counts,
    left=counts,
    digest=maybe_text,
)
changes = st.builds(
    plan.Change,
    address=addresses,
    action=st.sampled_from(["create", "update", "delete", "recompute"]),
    canonical=maybe_text,
    files=files,
    attributes=tuples(
        st.builds(plan.AttributeChange, path=texts, before=maybe_text, after=maybe_text)
    ),
    because=tuples(addresses),
    impact=st.none() | impacts,
)
plans = st.builds(
    plan.Plan,
    id=texts,
    project=texts,
    environment=texts,
    lineage=maybe_text,
    serial=counts,
    as_of=st.integers(),
    with_impact=st.booleans(),
    changes=tuples(changes),
    unchanged=counts,
    steps=tuples(
        st.builds(plan.EvaluateSegment, segment=texts)
        | st.builds(plan.DropSegment, segment=texts)
        | st.just(plan.CommitState())
    ),
    bases=tuples(st.tuples(addresses, maybe_text)),
    blocked=tuples(st.builds(plan.Blocked, address=addresses, rule=texts, message=texts)),
)
records = st.one_of(
    *(
        st.from_type(getattr(state, name))
        for name in sorted(vars(state))
        if is_dataclass(getattr(state, name)) and getattr(state, name).__module__ == state.__name__
    )
)


@given(objects | constants | plans | records)
def test_every_object_comes_back(thing):
    """What is decoded equals what was encoded, and has the same text again."""
    text = canonical(thing)
    decoded = from_canonical(text)

    assert decoded == thing
    assert canonical(decoded) == text


def test_every_class_of_the_declared_language_is_known():
    """The strategies build every kind of object, so the round trip above covers all of them."""
    assert set(KINDS) == {
        "source",
        "entity",
        "event",
        "relation",
        "consent",
        "suppression",
        "address",
        "segment",
        "channel",
        "offer",
        "rule",
    }


@given(objects, objects)
def test_equal_objects_and_only_they_have_equal_text(first, second):
    """The canonical text of two objects is the same exactly where they are equal."""
    assert (canonical(first) == canonical(second)) == (first == second)


def test_zeros_after_the_point_say_nothing():
    """Decimals that are equal have one text, so that 10% and 10.0% have one fingerprint."""
    assert canonical(Sample(high=Decimal("10"))) == canonical(Sample(high=Decimal("10.00")))
    assert canonical(Sample(high=Decimal("1E+1"))) == canonical(Sample(high=Decimal("10")))
    assert canonical(Const(type=FLOAT, value=-0.0)) == canonical(Const(type=FLOAT, value=0.0))


def test_defaults_are_left_out():
    """A field with its default is not written, so that a new one changes no fingerprint."""
    segment = Segment(name="s", entity="customer", where=InSegment(segment="vip"))

    assert to_json(segment) == {
        "$": "Segment",
        "entity": "customer",
        "name": "s",
        "where": {"$": "InSegment", "segment": "vip"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"$": "Nothing"}',
        '{"name": "s"}',
        '{"$": "Segment", "name": "s"}',
        '{"$": "Segment", "name": "s", "colour": "red"}',
    ],
)
def test_other_text_is_refused(text):
    """JSON that the codec can't have written raises ValueError."""
    with pytest.raises(ValueError):
        from_canonical(text)


@pytest.mark.parametrize("value", [{"a": 1}, [1], object(), {1, 2}])
def test_only_model_objects_have_text(value):
    """What is stored is a closed set: anything else raises TypeError."""
    with pytest.raises(TypeError):
        canonical(value)


def test_dates_are_not_text():
    """A date and its text are told apart."""
    assert canonical(date(2026, 1, 1)) != canonical("2026-01-01")
    assert from_canonical(canonical(date(2026, 1, 1))) == date(2026, 1, 1)


def test_a_digest_is_sha256():
    """Text is hashed as UTF-8, and the digest is hexadecimal."""
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest("é") == digest("é".encode())


def test_keys_are_sorted_and_text_is_not_escaped():
    """The canonical text has one form: sorted keys, no white space, UTF-8."""
    text = canonical(Text(text="é", quoted=True))

    assert text == '{"$":"Text","quoted":true,"text":"é"}'
    assert codec.canonical((Duration(count=1, unit="d"), None)) == (
        '[{"$":"Duration","count":1,"unit":"d"},null]'
    )
