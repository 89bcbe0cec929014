"""Elasticsearch, asked on real servers of line 8 and line 7."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pyroaring import BitMap64
from sqlalchemy import column, select

from segflow.compiler.codes import NOT_YET
from segflow.compiler.pipeline import compile_project
from segflow.compiler.targets.elastic_queries import (
    ANYTHING,
    any_of,
    like,
    one_of,
    one_of_folded,
    starts_with,
    within,
    written,
)
from segflow.compiler.targets.elastic_values import instants
from segflow.compiler.targets.values import bounds_of
from segflow.compiler.timeline import FIRST, LAST
from segflow.compiler.values import compare
from segflow.engines import elasticsearch, elasticsearch_search
from segflow.engines.elasticsearch import ElasticsearchEngine
from segflow.errors import (
    RefusedError,
    SegflowError,
    SourceUnavailableError,
    TooLargeError,
    UnusableDataError,
)
from segflow.model.catalog import Source
from segflow.model.hashing import stable_hash
from segflow.model.instant import Instant, datetime_of, parse_instant
from segflow.model.keys import parse_key
from segflow.ports import Documents, Reached, Selection
from segflow.ports.documents import (
    Counted,
    Difference,
    Found,
    Given,
    Intersection,
    Joined,
    ReadField,
    Sampled,
)
from tests import services
from tests.agreement.data import world_of
from tests.agreement.elastic import (
    PREFIX,
    client,
    drop_indices,
    in_indices,
    promised,
    write_index,
    write_indices,
)
from tests.agreement.sides import by_engine, by_reference, compiled_for_reference
from tests.selections import select_members
from tests.test_cases import FILES, keys_in, logs, project_of, read, rows

SERVERS = {"8": services.elasticsearch_url, "7": services.elasticsearch_7_url}
LARGEST = 2**63 - 1
PEOPLE = f"{PREFIX}people"
MAPPING = {"id": {"type": "long"}, "name": {"type": "keyword"}}


@pytest.fixture(params=SERVERS)
def url(request):
    """A server of each line."""
    return SERVERS[request.param]()


@pytest.fixture
def server(url):
    """Who may write there; all that the test made is gone afterwards."""
    with client(url) as connection:
        yield connection
        drop_indices(connection)


@pytest.fixture
def engine(url):
    with opened(url) as found:
        yield found


@contextmanager
def opened(url: str) -> Iterator[ElasticsearchEngine]:
    """An engine on a server."""
    found = ElasticsearchEngine(Source(name="search", engine="elasticsearch", url=url))
    yield found
    found.close()


def found(query: Mapping[str, Any] = ANYTHING, index: str = PEOPLE, key: str = "id") -> Found:
    """What a query finds."""
    return Found(index, key, written(query))


def asked(*sets: Any, **more: Any) -> Selection:
    """The question for sets."""
    fields = more.pop("fields", ())
    return Selection(source="search", statement=Documents(sets=sets, fields=fields), **more)


# --- the language's cases --------------------------------------------------------------------


def sayable() -> Iterator[Path]:
    """The cases whose rows an index holds as they are: no larger keys, and no JSON in a text."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        keys = [int(key) for key in re.findall(r"customer_id: (\d+)", text)]
        if max(keys, default=0) <= LARGEST and not re.search(r"'[\[{]", text):
            yield path


CASES = [*sayable()]
ONE_IN = 4
"""Of so many cases the older line is asked one."""
ASKED = [("8", path) for path in CASES] + [("7", path) for path in CASES[::ONE_IN]]


@pytest.mark.parametrize(
    ("url", "path"), ASKED, ids=[f"{line}-{path.stem}" for line, path in ASKED], indirect=["url"]
)
def test_a_case_means_what_it_says_or_is_refused(path, url, tmp_path):
    """Elasticsearch gives the members that are expected; where it does not, the form is refused."""
    case = read(path)
    project = project_of(case, tmp_path)
    tables = rows(project, case["tables"])
    project = promised(in_indices(project, url), tables)
    compiled, report = compile_project(project)
    if compiled is None:
        assert {one.code for one in report if one.severity == "error"} == {NOT_YET}
        return
    customer = project.entity("customer")
    type_ = customer.key_type
    snapshots = {name: keys_in(keys, type_) for name, keys in case.get("snapshots", {}).items()}
    known = {f"{PREFIX}{name}": content for name, content in tables.items()}
    world = world_of(project, "customer", known, snapshots, logs(case))
    as_of = parse_instant(case["as_of"])
    expected = [parse_key(key, type_) for key in case["expect"]]
    reference, _ = by_reference(compiled_for_reference(compiled), world, "tested", as_of)
    assert sorted(reference) == expected, "the reference"
    statement = repr(select_members(compiled, "tested", as_of).statement)
    with client(url) as connection, opened(url) as engine:
        write_indices(connection, project, tables, case.get("stored_as"), asked=statement)
        answer = by_engine(engine, compiled, world, "tested", as_of)
        drop_indices(connection)
    assert sorted(answer) == expected


def test_enough_cases_are_answered(tmp_path):
    """A quarter of the language's cases can be asked of Elasticsearch."""
    answered = 0
    for path in CASES:
        case = read(path)
        folder = tmp_path / path.stem
        folder.mkdir()
        project = project_of(case, folder)
        tables = rows(project, case["tables"])
        moved = promised(in_indices(project, "http://127.0.0.1:1"), tables)
        answered += compile_project(moved)[0] is not None
    assert answered >= len(CASES) / 4


# --- keys and pages --------------------------------------------------------------------------


def test_keys_are_integers_as_far_as_they_go(server, engine):
    """The greatest one that a field holds comes back exactly; a document without a key is nobody's,
    and two with one key are one user."""
    people = [{"id": key} for key in (0, 2**53 + 1, LARGEST, 7, 7)] + [{"name": "nobody"}]
    write_index(server, PEOPLE, MAPPING, people)
    assert engine.members(asked(found()), {}) == BitMap64([0, 7, 2**53 + 1, LARGEST])
    counted = Counted(scans=(found(),), least=2)
    assert engine.members(asked(counted), {}) == BitMap64([7])


def test_the_newest_instant_of_a_field(server, engine):
    """To the millisecond, and none where no document has one; nothing tells how far an index was
    refreshed."""
    mapping = {**MAPPING, "came": {"type": "date"}}
    moments = ["2026-01-31T12:00:00.122Z", "2026-01-31T12:00:00.123Z", "1969-01-01T00:00:00Z"]
    write_index(server, PEOPLE, mapping, [{"id": 1}, *({"came": moment} for moment in moments)])
    assert engine.newest(PEOPLE, "came") == parse_instant(moments[1])
    write_index(server, PEOPLE, mapping, [{"id": 1}])
    assert engine.newest(PEOPLE, "came") is None
    assert engine.reached() == Reached()


def test_keys_may_be_texts(server, engine):
    """Texts are keys by their code points; the empty one is a key."""
    texts = ["", " ", "A", "a", "é", "e\u0301", "\U0001f600"]
    write_index(server, PEOPLE, MAPPING, [{"name": text} for text in texts])
    everybody = found(key="name")
    assert engine.members(asked(everybody, key_type="string"), {}) == frozenset(texts)
    grouped = Counted(scans=(everybody,))
    assert engine.members(asked(grouped, key_type="string"), {}) == frozenset(texts)
    with pytest.raises(UnusableDataError, match="keys are not integers"):
        engine.members(asked(everybody), {})
    write_index(server, PEOPLE, MAPPING, [{"id": 1}])
    with pytest.raises(UnusableDataError, match="keys are not texts"):
        engine.members(asked(found(), key_type="string"), {})


def test_negative_keys_are_refused(server, engine):
    """A key below zero has no ordinal."""
    write_index(server, PEOPLE, MAPPING, [{"id": -1}])
    with pytest.raises(UnusableDataError, match=r"search.*negative"):
        engine.members(asked(found()), {})


def test_many_documents_come_back_whole(server, engine):
    """More than one page of documents and of groups is one set, and no point in time stays open."""
    write_index(server, PEOPLE, MAPPING, [{"id": key} for key in range(0, 50_000, 2)])
    everybody = BitMap64(range(0, 50_000, 2))
    assert engine.members(asked(found()), {}) == everybody
    assert engine.members(asked(Counted(scans=(found(),))), {}) == everybody
    stats = server.indices.stats(index=PEOPLE, metric="search").body
    assert stats["_all"]["total"]["search"]["open_contexts"] == 0


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("boolean", [True, False]),
        ("date", ["0001-01-01T00:00:00.001Z", "1969-12-31T23:59:59.999Z", "9999-12-31"]),
        ("keyword", ["", "a", "\U0001f600", "\uffff"]),
        ("long", [-(2**63), -1, 2**53, 2**53 + 1, 2**63 - 1]),
    ],
)
def test_pages_of_values_of_each_type_follow_each_other(server, engine, monkeypatch, type_, values):
    """The last group of a page is where the next one begins, whatever its values are."""
    monkeypatch.setattr(elasticsearch_search, "PAGE", 2)
    rows = [{"id": key, "value": value} for key in range(3) for value in values for _ in range(2)]
    write_index(server, PEOPLE, {"id": {"type": "long"}, "value": {"type": type_}}, rows)
    count = len(values)
    for least, most, expected in ((count, count, [0, 1, 2]), (count + 1, None, [])):
        distinct = Counted(scans=(found(),), least=least, most=most, distinct="value")
        assert engine.members(asked(distinct), {}) == BitMap64(expected)
    twice = Counted(scans=(found(),), least=2 * count, most=2 * count)
    assert engine.memberships(asked(twice, found()), {}, 2) == (BitMap64(range(3)),) * 2


def test_more_values_than_one_query_takes_are_asked_for(server, engine):
    """A list may be longer than the limit of one `terms` query."""
    write_index(server, PEOPLE, MAPPING, [{"id": 1, "name": "n70000"}, {"id": 2, "name": "other"}])
    names = [f"n{number}" for number in range(70_001)]
    assert engine.members(asked(found(one_of("name", names))), {}) == BitMap64([1])


def test_case_is_ignored_in_texts_that_have_one(server, engine):
    """An empty text and one without letters are found, too; and letters beyond ASCII are as they
    are, the Kelvin sign and the long s among them."""
    names = ["", "K", "\u212a", "\u017f", "S", "1?*\\", "É"]
    people = [{"id": key, "name": name} for key, name in enumerate(names)]
    write_index(server, PEOPLE, MAPPING, people)
    for texts, expected in (
        ([""], [0]),
        (["k"], [1]),
        (["s", "É", ""], [0, 4, 6]),
        (["é", "1?*\\"], [5]),
    ):
        chosen = found(one_of_folded("name", texts))
        assert engine.members(asked(chosen), {}) == BitMap64(expected), texts
    for text, expected in (("k", [1]), ("", range(7)), ("?*\\", [5])):
        part = found(like("name", "*", text, "*", fold=True))
        assert engine.members(asked(part), {}) == BitMap64(expected), text
    start = found(starts_with("name", "", fold=True))
    assert engine.members(asked(start), {}) == BitMap64(range(7))


def test_instants_before_1970_are_compared_to_the_millisecond(server, engine):
    """So are those at the calendar's ends."""
    times = [FIRST, FIRST + 1, -2_206_396_493_993, -2, -1, 0, LAST - 1, LAST]
    rows = [
        {"id": key, "at": f"{datetime_of(Instant(time)):%Y-%m-%dT%H:%M:%S.%f}".zfill(26) + "Z"}
        for key, time in enumerate(times)
    ]
    write_index(server, PEOPLE, {"id": {"type": "long"}, "at": {"type": "date"}}, rows)
    for time in times:
        for op in ("eq", "gt", "gte", "lt", "lte"):
            ranges = instants(bounds_of(op, Instant(time)))
            chosen = found(any_of(within("at", one) for one in ranges))
            expected = [key for key, one in enumerate(times) if compare(op, one, time)]
            assert engine.members(asked(chosen), {}) == BitMap64(expected), (op, time)


def test_sets_are_put_together(server, engine):
    """Each part is asked for by itself; many segments are one question."""
    names = ("ada", "bob", "ada", "cy")
    people = [{"id": key, "name": name} for key, name in enumerate(names, start=1)]
    write_index(server, PEOPLE, MAPPING, people)
    everybody, ada = found(), found(one_of("name", ["ada"]))
    sampled = Sampled(of=everybody, salt="x", low=Decimal(0), high=Decimal(50))
    sets = (
        Difference(everybody, ada),
        Intersection((ada, Given("vips"))),
        Joined((Given("vips"), found(one_of("name", ["cy"])))),
        Joined(()),
        sampled,
    )
    vips = {"vips": BitMap64([1, 2, 99])}
    half = [key for key in (1, 2, 3, 4) if stable_hash("x", key) < 2**63]
    assert engine.memberships(asked(*sets, sets=("vips",)), vips, 5) == (
        BitMap64([2, 4]),
        BitMap64([1]),
        BitMap64([1, 2, 4, 99]),
        BitMap64(),
        BitMap64(half),
    )


def test_counts_of_several_indices_are_added(server, engine):
    """Documents of a union are counted together, different values by themselves."""
    write_index(server, PEOPLE, MAPPING, [{"id": 1, "name": "a"}, {"id": 1, "name": "a"}])
    more = f"{PREFIX}more"
    write_index(server, more, MAPPING, [{"id": 1, "name": "b"}, {"id": 2}])
    both = (found(), found(index=more))
    assert engine.members(asked(Counted(scans=both, least=3, most=3)), {}) == BitMap64([1])
    assert engine.members(asked(Counted(scans=both, most=1)), {}) == BitMap64([2])
    distinct = Counted(scans=(found(),), least=2, distinct="name")
    assert engine.members(asked(distinct), {}) == BitMap64()


# --- what has no meaning ---------------------------------------------------------------------


def test_several_values_where_one_is_asked_for_are_refused(server, engine):
    """Any field may hold a list, and then equals several values at once."""
    write_index(server, PEOPLE, MAPPING, [{"id": 1, "name": ["a", "b"]}, {"id": 2, "name": "c"}])
    name = ReadField(PEOPLE, "name", ("keyword",))
    selection = asked(found(), fields=(name,))
    with pytest.raises(UnusableDataError, match="2 documents of .* 3 values of `name`") as refused:
        engine.members(selection, {})
    assert refused.value.hint
    listed = asked(found(), fields=(name._replace(is_list=True),))
    assert engine.members(listed, {}) == BitMap64([1, 2])


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (ReadField(PEOPLE, "name", ("long",)), "`name` of index .* is keyword, not long"),
        (ReadField(PEOPLE, "Name", ("keyword",)), "`Name` of index .* is missing, not keyword"),
        (ReadField(f"{PREFIX}none", "name", ("keyword",)), "no index is called"),
    ],
)
def test_a_mapping_that_has_changed_is_an_error(server, engine, field, says):
    """A field that is mapped anew would have no values, and hold for nobody."""
    write_index(server, PEOPLE, MAPPING, [{"id": 1, "name": "a"}])
    with pytest.raises(UnusableDataError, match=says) as refused:
        engine.members(asked(found(), fields=(field,)), {})
    assert refused.value.hint


@pytest.mark.parametrize("most", [1, 4])
def test_documents_of_one_key_that_differ_are_refused_where_one_is_asked_for(
    server, engine, monkeypatch, most
):
    """Few keys are looked for among the other documents, of many these are fetched. The message
    names the index, how many keys there are, and one of them."""
    monkeypatch.setattr(elasticsearch, "CHUNK", 2)
    monkeypatch.setattr(elasticsearch, "_CHUNKS", most)
    people = [{"id": key, "name": "a"} for key in (1, 2, 3, 3, 4, 5)]
    write_index(server, PEOPLE, MAPPING, [*people, {"name": "b"}, {"id": 6, "name": "b"}])
    named = replace(found(one_of("name", ["a"])), alike=True)
    assert engine.members(asked(named), {}) == BitMap64(range(1, 6))
    write_index(server, PEOPLE, MAPPING, [*people, {"id": 5, "name": "b"}, {"id": 4}])
    with pytest.raises(UnusableDataError, match="people, 2 keys .* id 4 "):
        engine.members(asked(named), {})
    assert engine.members(asked(replace(named, alike=False)), {}) == BitMap64(range(1, 6))


def test_a_part_that_fails_is_an_error(server, engine):
    """Of two indices under one name the field can be grouped by in one: nobody gets half an
    answer."""
    write_index(server, f"{PEOPLE}_1", MAPPING, [{"id": 1, "name": "a"}])
    other = {**MAPPING, "name": {"type": "text"}}
    write_index(server, f"{PEOPLE}_2", other, [{"id": 2, "name": "a"}])
    server.indices.put_alias(index=f"{PEOPLE}_*", name=PEOPLE)
    assert engine.columns(PEOPLE)["name"] == "keyword or text"
    with pytest.raises(SegflowError, match="search"):
        engine.members(asked(Counted(scans=(found(key="name"),)), key_type="string"), {})


def test_a_server_that_is_down_is_told_in_words():
    """Not in those of a class of ours, nor with the url."""
    gone = ElasticsearchEngine(
        Source(name="search", engine="elasticsearch", url="http://a:b@127.0.0.1:1")
    )
    with pytest.raises(SourceUnavailableError, match="^source search: Failed to ") as told:
        gone.columns(PEOPLE)
    assert "a:b" not in f"{told.value}"


def test_an_index_that_is_missing_is_told(engine):
    """It is a name that is wrong, and trying again does not help."""
    assert engine.columns(PEOPLE) is None
    with pytest.raises(UnusableDataError, match="search: no such index") as refused:
        engine.members(asked(found()), {})
    assert refused.value.hint
    with pytest.raises(UnusableDataError, match="no index is called"):
        engine.members(asked(found(index=f"{PEOPLE}-*")), {})


def test_a_query_that_is_too_large_is_told_so(server, engine):
    """So that it may be asked in parts."""
    write_index(server, PEOPLE, MAPPING, [{"id": 1, "name": "a"}])
    pattern = {"wildcard": {"name": {"value": f"*{'xy' * 5_000}*"}}}
    with pytest.raises(TooLargeError, match="search"):
        engine.members(asked(found(pattern)), {})


def test_rows_are_not_read(engine):
    """Only sets of users are asked for, and that is said."""
    with pytest.raises(RefusedError, match="no rows are read"):
        engine.rows(select(column("id")))


# --- mappings --------------------------------------------------------------------------------


def test_columns_are_the_fields_of_the_mapping(server, engine):
    """Inner fields have dots in their names; what keeps a field from being asked exactly is in the
    word for it."""
    mapping = {
        "id": {"type": "long"},
        "plan": {"properties": {"name": {"type": "keyword"}}},
        "city": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 256}}},
        "tag": {"type": "keyword", "null_value": "none"},
        "items": {"type": "nested", "properties": {"sku": {"type": "keyword"}}},
        "kept": {"type": "long", "index": False},
        "same": {"type": "alias", "path": "plan.name"},
    }
    write_index(server, PEOPLE, mapping, [])
    assert engine.columns(PEOPLE) == {
        "id": "long",
        "plan": "object",
        "plan.name": "keyword",
        "city": "text",
        "city.raw": "keyword with ignore_above",
        "tag": "keyword with null_value",
        "items": "nested",
        "items.sku": "keyword inside of nested",
        "kept": "long without index",
        "same": "keyword",
    }


# --- servers that are not there --------------------------------------------------------------


class Answers(BaseHTTPRequestHandler):
    """Answers with the server's `status` and `body`, and keeps the headers that it was sent."""

    def do_POST(self) -> None:
        """Opening a point in time works; what follows is answered as it is said."""
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        said: Any = self.server
        said.sent.append(self.headers)
        is_point = "_pit" in self.path and said.status == 200
        body = json.dumps({"id": "p"} if is_point else said.body).encode()
        self.send_response(said.status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def answering(status: int, body: Any) -> Iterator[Any]:
    """A server that answers so, whatever it is asked."""
    server: Any = HTTPServer(("127.0.0.1", 0), Answers)
    server.status, server.body, server.sent = status, body, []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PARTS = {"total": 2, "successful": 1, "skipped": 0, "failed": 1}
WHOLE = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}
NOTHING_FOUND = {"pit_id": "p", "hits": {"total": {"value": 0}, "hits": []}}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"timed_out": False, "_shards": PARTS}, "1 of 2 shards failed"),
        ({"timed_out": True, "_shards": WHOLE}, "did not answer in time"),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(body, says):
    """Shards that failed and times that were up are trouble that may pass."""
    with (
        answering(200, {**body, **NOTHING_FOUND}) as server,
        opened(f"http://127.0.0.1:{server.server_port}") as engine,
        pytest.raises(SourceUnavailableError, match=says),
    ):
        engine.members(asked(found()), {})


def test_the_credentials_of_the_url_are_sent_and_not_told():
    """The user of the url is who asks; what goes wrong shows neither name nor password."""
    refusal = {"error": {"type": "security_exception", "reason": "who are you"}, "status": 401}
    with answering(401, refusal) as server:
        place = f"127.0.0.1:{server.server_port}"
        with (
            opened(f"http://me:secret@{place}") as engine,
            pytest.raises(UnusableDataError, match="who are you") as refused,
        ):
            engine.members(asked(found()), {})
        assert server.sent[0]["Authorization"].startswith("Basic ")
    assert "secret" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_may_be_asked_again(status):
    """Overload and faults of the server pass."""
    with (
        answering(status, {"error": {"type": "x", "reason": "busy"}}) as server,
        opened(f"http://127.0.0.1:{server.server_port}") as engine,
        pytest.raises(SourceUnavailableError, match="busy"),
    ):
        engine.members(asked(found()), {})


def test_a_server_that_is_not_there_may_be_asked_again():
    """The message shows no password."""
    with (
        opened("http://me:secret@127.0.0.1:1") as engine,
        pytest.raises(SourceUnavailableError, match="search") as refused,
    ):
        engine.columns("people")
    assert "secret" not in f"{refused.value}"


@pytest.mark.parametrize("wrong", ["", "people", "http://host", "ftp://me:secret@host:1", "http:"])
def test_a_url_that_can_not_be_read_is_refused(wrong):
    """The hint shows one, and the message does not show this one."""
    with pytest.raises(RefusedError, match="can't be read") as refused:
        ElasticsearchEngine(Source(name="search", engine="elasticsearch", url=wrong))
    assert refused.value.hint == "for example https://user:password@host:9200"
    assert "secret" not in str(refused.value)


def test_what_is_asked_can_be_read(engine):
    """Each part is a line, and how they are put together stands before them."""
    some = Counted(scans=(found(one_of("name", ["o'hara"])),), least=2, most=3)
    text = engine.render(asked(Difference(found(), some)).statement)
    assert text.splitlines() == [
        "in this:",
        f'  id of {PEOPLE}: {{"match_all": {{}}}}',
        "but not in this:",
        "  with 2 to 3 documents:",
        f'    id of {PEOPLE}: {{"term": {{"name": {{"value": "o\'hara"}}}}}}',
    ]
