"""The plan file: plans come back, everything else is refused in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.errors import RefusedError, SegflowError, UnsupportedVersionError
from segflow.model.codec import digest
from segflow.model.plan import Plan
from segflow.model.segment import Segment
from segflow.planner.impact import measure
from segflow.planner.plan import plan_id
from segflow.planner.planfile import from_bytes, to_bytes
from tests.planner.shops import CUSTOMER, FEWER, PUSH, SOURCE, bought, event, shops
from tests.planner.worlds import compile_objects, plan

plans = st.builds(plan, st.none() | shops(), shops())

BEFORE = compile_objects(SOURCE, CUSTOMER, PUSH, event("purchase", "one"))
LAPSED = Segment(name="lapsed", entity="customer", where=bought("purchase", 7))
AFTER = compile_objects(SOURCE, CUSTOMER, PUSH, event("purchase", "one"), LAPSED)
MADE = plan(BEFORE, AFTER)


@FEWER
@given(plans)
def test_a_plan_comes_back(made):
    """What is read equals what was written, and is written the same again."""
    content = to_bytes(made)

    assert from_bytes(content) == made
    assert to_bytes(from_bytes(content)) == content


@given(st.data())
def test_an_altered_file_gives_no_other_plan(data):
    """Whatever byte is changed, the file is refused in words or says the very same plan."""
    content = bytearray(to_bytes(MADE))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))

    try:
        found = from_bytes(bytes(content))
    except SegflowError:
        return
    assert found == MADE


@given(st.data())
def test_a_file_cut_short_is_refused(data):
    """Whatever is missing at the end, the file is refused; the last line end may be missing."""
    content = to_bytes(MADE)
    length = data.draw(st.integers(0, len(content) - 2))

    with pytest.raises(RefusedError, match="was cut short"):
        from_bytes(content[:length])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["$", "id", "changes", "bases", "as_of", "steps"]))
def test_a_forged_file_is_refused(value, key):
    """A file in which any part of the plan was replaced by other JSON is refused."""
    document = json.loads(to_bytes(MADE))
    if document["plan"][key] == value:
        return
    document["plan"][key] = value

    with pytest.raises(SegflowError):
        from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": "segflow plan"}'],
)
def test_other_files_are_refused(content):
    """A file that is no plan is refused with a word of how to make one."""
    with pytest.raises(RefusedError, match="not a plan of segflow") as caught:
        from_bytes(content)
    assert "segflow plan --out" in caught.value.hint


def test_a_newer_format_is_named():
    """The file of a newer segflow is refused as such, not as broken."""
    document = json.loads(to_bytes(MADE)) | {"format_version": 3}

    with pytest.raises(UnsupportedVersionError, match="format version 3, this segflow reads 2"):
        from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("known", [{"$": "Plan"}, {"$": "Intention"}])
def test_what_only_another_segflow_knows_is_no_alteration(known):
    """A plan with its own id, that has fields or objects which are not known here, is named as
    such; without that id it was altered."""
    document = json.loads(to_bytes(MADE))
    document["plan"] |= known | {"mood": "é"}
    with pytest.raises(RefusedError, match="was altered"):
        from_bytes(json.dumps(document).encode())
    content = document["plan"] | {"id": ""}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    document["plan"]["id"] = digest(text)
    with pytest.raises(UnsupportedVersionError, match="another version of segflow"):
        from_bytes(json.dumps(document).encode())


def test_the_first_format_is_read():
    """It had no scans."""
    document = json.loads(to_bytes(MADE)) | {"format_version": 1}
    assert from_bytes(json.dumps(document).encode()) == MADE


@pytest.mark.parametrize("forged", ['"\\ud800"', "[" * 900 + "]" * 900])
def test_what_has_no_canonical_form_was_altered(forged):
    """Half a character, and lists too deep to be read."""
    document = to_bytes(MADE).replace(b'"as_of":', f'"as_of":{forged},"was":'.encode(), 1)
    with pytest.raises(RefusedError, match="was altered"):
        from_bytes(document)


@given(st.sets(st.integers(10**17, 2**64 - 1), min_size=1), st.sets(st.integers(10**17, 2**64 - 1)))
def test_a_plan_holds_no_ids_of_users(now, after):
    """Counts and digests are all that a plan says of members."""
    impact = measure(BitMap64(now), BitMap64(after))
    made = plan(BEFORE, AFTER, {"lapsed": impact})
    text = to_bytes(made).decode()

    assert made.changes[0].impact == impact
    assert not [key for key in now | after if str(key) in text]


def test_the_id_is_that_of_the_content():
    """A file's plan has the id that its content gives."""
    found = from_bytes(to_bytes(MADE))

    assert isinstance(found, Plan)
    assert plan_id(found) == found.id == MADE.id
