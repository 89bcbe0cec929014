"""Who consented and who is reachable: what it means, what it rests on, and what is shown of it."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.interpret import exists, holds, subject_of
from segflow.compiler.trace import TraceNode, explain_user
from segflow.compiler.worlds import ConsentRow, Context, SuppressionRow, User
from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, parse_instant
from segflow.model.predicate import Consent, Predicate, Reachable
from tests.compiler.projects import compiled
from tests.selections import select_shared

CATALOG = (Path(__file__).parents[1] / "cases" / "contacts.yaml").read_text(encoding="utf-8")
T = parse_instant("2026-03-31T12:00:00Z")


def shop(folder, where: str, before: str = "", after: str = "") -> Compiled:
    """The compiled catalog, with one text replaced, and a segment."""
    assert not before or before in CATALOG
    catalog = CATALOG.replace(before, after) if before else CATALOG
    return compiled(folder, f"segment: s\nentity: customer\nwhere: {where}\n", catalog=catalog)


@cache
def plain() -> Compiled:
    """The catalog with a segment that asks for nothing."""
    with TemporaryDirectory() as folder:
        return shop(Path(folder), "{everyone: true}")


def asked(predicate: Predicate, user: User, as_of: Instant) -> bool:
    """What the reference says of a user at an instant."""
    of = plain()
    context = Context(compiled=of, entity=of.entities["customer"], as_of=as_of)
    subject = subject_of(context, user, (), "s")
    assert exists(subject)
    return holds(predicate, subject)


# --- the meaning -----------------------------------------------------------------------------

instants = st.integers(-3, 6).map(Instant)
times = st.none() | instants
words = st.lists(st.builds(ConsentRow, times, st.sampled_from([True, False, None])), max_size=6)


def after_all_words(rows: list[ConsentRow], as_of: Instant, default: bool) -> bool:
    """Where a user stands who takes the words one after the other, refusals after grants."""
    stands = default
    spoken = [row for row in rows if row.time is None or row.time <= as_of]
    for row in sorted(spoken, key=lambda row: (row.time is not None, row.time, not row.granted)):
        stands = row.granted is True
    return stands


@given(words, instants, st.sampled_from([("marketing", False), ("service", True)]))
def test_consent_is_where_a_user_stands_after_all_words(rows, as_of, topic):
    """Whatever is said, when, and in which order it is stored."""
    name, default = topic
    expected = after_all_words(rows, as_of, default)
    for stored in (rows, rows[::-1]):
        user = User(key=1, consents={name: tuple(stored)})
        assert asked(Consent(topic=name), user, as_of) is expected


texts = st.sampled_from(["", "a@b.c", "A@B.c", "x"])
suppressed = st.lists(
    st.builds(
        SuppressionRow,
        time=times,
        address=st.none() | texts,
        channel=st.sampled_from([None, "", "email", "EMAIL", "phone"]),
    ),
    max_size=3,
).map(tuple)


@given(st.none() | texts, suppressed, words, instants)
def test_reachable_is_an_address_with_consent_that_nothing_suppresses(text, rows, said, as_of):
    """With any row that is in force, is for this address or all, and is the user's, nobody is."""
    user = User(
        key=1,
        fields={"address.email": text},
        consents={"marketing": tuple(said)},
        suppressions={"blocked": rows},
    )
    hits = [
        row
        for row in rows
        if (row.time is None or row.time <= as_of)
        and (row.channel or "email").lower() == "email"
        and (row.address is None or row.address.lower() == (text or "").lower())
    ]
    expected = bool(text) and not hits and asked(Consent(topic="marketing"), user, as_of)
    assert asked(Reachable(address="email"), user, as_of) is expected


# --- what it rests on ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("{consent: marketing}", "table: consents", "table: words"),
        ("{consent: marketing}", "granted: granted", "granted: agreed"),
        ("{consent: marketing}", "time: changed_at", "time: said_at"),
        ("{consent: marketing}", ", topic: topic", ""),
        ("{consent: service}", "default: granted", "default: denied"),
        ("{reachable: email}", "table: consents", "table: words"),
        ("{reachable: email}", "column: email", "column: mail"),
        ("{reachable: email}", "\ntopic: marketing", ""),
        ("{reachable: email}", "channel: channel", "channel: kind"),
        ("{reachable: email}", "time: bounced_at", "time: at"),
        ("{reachable: phone}", "column: phone}\n    history", "column: mobile}\n    history"),
        ("{reachable: phone}", "table: blocked", "table: blocklist"),
    ],
)
def test_what_a_leaf_rests_on_is_in_its_definition(where, before, after, tmp_path):
    """Where words, addresses and suppressions are, and what counts without words."""
    before_it = shop(tmp_path, where).segments["s"].definition
    assert shop(tmp_path, where, before, after).segments["s"].definition != before_it


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("{consent: marketing}", "default: granted", "default: denied"),
        ("{consent: marketing}", "table: bounces", "table: hard_bounces"),
        ("{reachable: phone}", "table: consents", "table: words"),
        ("{reachable: phone}", "table: contacts", "table: mailboxes"),
        ("{reachable: phone}", "reason: reason", "reason: why"),
        ("{field: plan, eq: a}", "table: bounces", "table: hard_bounces"),
    ],
)
def test_what_a_leaf_does_not_rest_on_is_not(where, before, after, tmp_path):
    """Other topics and addresses, and reasons, which are for people."""
    before_it = shop(tmp_path, where).segments["s"].definition
    assert shop(tmp_path, where, before, after).segments["s"].definition == before_it


def test_a_suppression_more_is_another_definition(tmp_path):
    """Whoever is reachable is so by all suppressions that there are, and by consent."""
    text = "segment: s\nentity: customer\nwhere: {reachable: email}\n"
    fewer = CATALOG[: CATALOG.index("---\nsuppression: blocked")]
    made, before = shop(tmp_path, "{reachable: email}"), compiled(tmp_path, text, catalog=fewer)
    assert made.segments["s"].definition != before.segments["s"].definition
    assert made.segments["s"].depends == (
        Address("address", "email"),
        Address("entity", "customer"),
    )
    assert set(made.depends[Address("address", "email")]) == {
        Address("consent", "marketing"),
        Address("entity", "customer"),
        Address("source", "shop"),
        Address("suppression", "blocked"),
        Address("suppression", "bounced"),
    }
    assert set(before.depends[Address("address", "email")]) == {
        Address("consent", "marketing"),
        Address("entity", "customer"),
        Address("source", "shop"),
        Address("suppression", "bounced"),
    }


# --- how it is asked -------------------------------------------------------------------------


def test_segments_asked_together_ask_for_each_topic_once(tmp_path):
    """However many segments ask for a consent, by itself or by an address that takes it."""
    wheres = {
        "a": "{consent: marketing}",
        "b": "{all: [{reachable: email}, {not: {field: plan, eq: x}}]}",
        "c": "{any: [{reachable: email}, {reachable: phone}, {segment: a}]}",
        "d": "{consent: service}",
    }
    text = "---\n".join(
        f"segment: {name}\nentity: customer\nwhere: {where}\n" for name, where in wheres.items()
    )
    made = compiled(tmp_path, text, catalog=CATALOG)
    selection = select_shared(made, list(wheres), T)
    (parts,) = selection.merged.values()
    statements = (*parts, selection.statement)
    query = " ".join(word for one in statements for word in str(one).split())
    assert query.count("FROM consents") == 2  # marketing and service
    assert query.count("FROM bounces") == 2  # for the email and for the phone


# --- what is shown ---------------------------------------------------------------------------

USER = User(
    key=1,
    fields={"address.email": "ann@example.com", "phone": ""},
    consents={
        "marketing": (
            ConsentRow(parse_instant("2026-03-01T00:00:00Z"), True),
            ConsentRow(parse_instant("2026-03-20T00:00:00Z"), False),
            ConsentRow(parse_instant("2026-04-20T00:00:00Z"), True),
        ),
        "terms": (ConsentRow(None, True),),
    },
    suppressions={
        "bounced": (
            SuppressionRow(parse_instant("2026-03-02T00:00:00Z"), None, "email", "complaint"),
            SuppressionRow(parse_instant("2026-03-02T00:00:00Z"), None, "fax", "no such number"),
        ),
        "blocked": (SuppressionRow(address="ANN@example.com"),),
    },
)
NO_WORDS = User(key=1)


@pytest.mark.parametrize(
    ("where", "user", "holds", "shown"),
    [
        ("{consent: marketing}", USER, False,
         {"marketing": "denied", "marketing since": "2026-03-20T00:00:00Z"}),
        ("{consent: terms}", USER, True, {"terms": "granted", "terms since": None}),
        ("{consent: service}", NO_WORDS, True,
         {"service": "granted by default", "service since": None}),
        ("{consent: marketing}", NO_WORDS, False,
         {"marketing": "denied by default", "marketing since": None}),
        ("{reachable: email}", USER, False,
         {"email": "***", "suppression.blocked": "always",
          "suppression.bounced": "since 2026-03-02T00:00:00Z, complaint"}),
        ("{reachable: phone}", USER, False,
         {"phone": "", "suppression.blocked": "no", "suppression.bounced": "no"}),
        ("{reachable: phone}", NO_WORDS, False,
         {"phone": None, "suppression.blocked": "no", "suppression.bounced": "no"}),
    ],
)  # fmt: skip
def test_explanations_show_what_a_leaf_looked_at(where, user, holds, shown, tmp_path):
    """The last word and since when; who suppresses and why; that there is an address, not which."""
    root = explained(tmp_path, where, user)
    assert root.holds == holds
    assert {value.text: value.value for value in root.values} == shown
    assert "ann" not in str(root).lower()


def test_an_explanation_shows_the_consent_that_an_address_takes(tmp_path):
    """It stands below, as a leaf of its own; an address that takes none has nothing below."""
    root = explained(tmp_path, "{reachable: email}", USER)
    assert [(below.text, below.holds) for below in root.items] == [("consent: marketing", False)]
    assert explained(tmp_path, "{reachable: phone}", USER).items == ()


def explained(folder, where: str, user: User) -> TraceNode:
    """The root of the trace."""
    root = explain_user(shop(folder, where), "s", 1, user, (), T, {}, {}).root
    assert root is not None
    return root
