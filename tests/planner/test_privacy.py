"""Plans show neither what personal fields are compared with nor secrets."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from segflow.model.catalog import Field
from segflow.model.channel import Channel
from segflow.model.contact import ContactAddress
from segflow.model.operator import Among, Anniversary, Between, ListMatch, MomentTest, TextMatch
from segflow.model.predicate import All, Changed, Compare, FieldFeature, Not, Test
from segflow.model.scalar import DatePoint, Text
from segflow.model.segment import Segment
from segflow.model.settings import SecretRef, SettingMap
from segflow.model.types import STRING
from segflow.model.wording import to_words
from segflow.planner.attributes import declared, differences
from segflow.planner.paths import json_text
from segflow.planner.planfile import to_bytes
from segflow.planner.privacy import masked, personal_fields
from segflow.planner.render import render_plan, text_of
from tests.planner.shops import CUSTOMER, SOURCE, field, lives_in
from tests.planner.worlds import compile_objects, plan

PERSONAL = frozenset({"email"})
BORN = DatePoint(date=date(1984, 4, 4))
told = st.sampled_from([Text(text="ann1984"), Text(text="1984-04-04"), Text(text="bob1984")])
operators = (
    st.builds(Compare, op=st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), right=told)
    | st.builds(Among, values=st.tuples(told, told), negated=st.booleans())
    | st.builds(Between, low=told, high=told)
    | st.builds(
        TextMatch,
        op=st.sampled_from(["contains", "starts_with", "ends_with", "matches"]),
        text=st.just("ann1984"),
    )
    | st.builds(
        ListMatch, op=st.sampled_from(["has_any", "has_all", "has_none"]), values=st.tuples(told)
    )
    | st.builds(
        MomentTest, op=st.sampled_from(["before", "after", "since", "until"]), moment=st.just(BORN)
    )
)
leaves = st.builds(
    Test, feature=st.just(FieldFeature(field="email")), operators=st.tuples(operators)
) | st.builds(Changed, field=st.just("email"), old=st.none() | told, new=told)
wheres = st.recursive(
    leaves,
    lambda inner: st.builds(All, items=st.tuples(inner, inner)) | st.builds(Not, item=inner),
    max_leaves=4,
)
segments = st.builds(Segment, name=st.just("s"), entity=st.just("customer"), where=wheres)


@given(segments, segments)
def test_no_literal_of_a_personal_field_is_shown(first, second):
    """Whatever the operator and however deep, the literal is hidden on both sides, and what is
    compared is still the real value."""
    before, after = to_words(first), to_words(second)
    shown = masked(before, PERSONAL), masked(after, PERSONAL)
    found = (*differences(before, after, *shown), *declared(shown[1]))

    assert "1984" not in "".join(f"{one.before} {one.after}" for one in found)
    assert bool(differences(before, after, *shown)) == bool(
        differences(before, after, before, after)
    )


def test_anniversaries_of_personal_fields_are_hidden():
    """A fixed day of the year tells a birthday; a distance from today tells nothing."""
    feature = FieldFeature(field="email")
    birthday = Test(feature=feature, operators=(Anniversary(month=4, day=4),))
    today = Test(feature=feature, operators=(Anniversary(start_days=-7, end_days=7),))

    def where(node):
        segment = Segment(name="s", entity="customer", where=node)
        return masked(to_words(segment), PERSONAL)["where"]

    assert where(birthday) == {"field": "email", "anniversary": "***"}
    assert where(today)["anniversary"] == {"from": "-7d", "to": "7d"}


def test_other_fields_and_features_are_shown():
    """Fields that are not personal, and features on the right side, stay as they are."""
    words = {
        "all": [
            {"field": "country", "eq": "US"},
            {"field": "email", "eq": {"field": "country"}, "exists": True, "size": {"gte": 2}},
        ]
    }

    assert masked(words, PERSONAL) == words


def test_a_field_that_repeats_a_personal_one_is_personal():
    """Giving a personal field another name does not uncover it."""
    alias = Field(name="contact", type=STRING, derived=FieldFeature(field="email"))
    again = Field(name="reach", type=STRING, derived=FieldFeature(field="contact"))
    entity = replace(CUSTOMER, fields=(*CUSTOMER.fields, again, alias))

    assert personal_fields([entity]) == {"email", "contact", "reach"}


def segment(email: str) -> Segment:
    right = Text(text=email, quoted=True)
    leaf = Test(feature=FieldFeature(field="email"), operators=(Compare(op="eq", right=right),))
    return Segment(name="s", entity="customer", where=All(items=(lives_in("US"), leaf)))


def test_a_field_stays_hidden_in_the_plan_that_uncovers_it():
    """Declared as personal before or after is enough: the plan that drops `pii` shows nothing."""
    open_entity = replace(CUSTOMER, fields=(field("country"), field("email")))
    before = compile_objects(SOURCE, CUSTOMER, segment("ann@example.com"))
    after = compile_objects(SOURCE, open_entity, segment("bob@example.com"))

    for made in (plan(before, after), plan(after, before), plan(None, before)):
        text = text_of(render_plan(made))
        assert "segment.s" in text
        assert "example.com" not in text


def test_a_field_that_is_an_address_is_hidden():
    """It is personal by nature, also in the plan that makes it an address or no longer one."""
    entity = replace(CUSTOMER, fields=(field("country"), field("email")))
    address = ContactAddress(name="post", entity="customer", field="email")
    before = compile_objects(SOURCE, entity, segment("ann@example.com"), address)
    after = compile_objects(SOURCE, entity, segment("bob@example.com"))

    for made in (plan(before, after), plan(after, before), plan(None, before)):
        assert "example.com" not in text_of(render_plan(made))


def test_secrets_are_references_all_the_way():
    """A plan knows secrets by their names only."""
    token = SettingMap(items=(("token", SecretRef(name="HOOK_TOKEN")),))
    other = SettingMap(items=(("token", SecretRef(name="OTHER_TOKEN")),))
    before = compile_objects(Channel(name="push", kind="webhook", settings=token))
    after = compile_objects(Channel(name="push", kind="webhook", settings=other))
    made = plan(before, after)

    (attribute,) = made.changes[0].attributes
    assert (attribute.before, attribute.after) == ('"${HOOK_TOKEN}"', '"${OTHER_TOKEN}"')
    assert b'{"$":"SecretRef","name":"OTHER_TOKEN"}' in to_bytes(made).replace(b"\\", b"")


def test_hidden_words_have_the_shape_of_the_real_ones():
    """Every place of the real words is a place of the shown ones, so that paths fit both."""
    words = to_words(segment("ann@example.com"))

    assert json_text(masked(words, PERSONAL)) == json_text(words).replace("ann@example.com", "***")
