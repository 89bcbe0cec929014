"""Refreshing from Elasticsearch while indices change or the server is gone: its segment keeps its
last good members, marked as stale with the reason, and other sources' segments go on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from segflow.planner.planfile import to_bytes
from tests import services
from tests.agreement.elastic import PREFIX, client, drop_indices, write_index
from tests.app.test_refresh_of_servers import CATALOG, SECRET, SEGMENTS, refreshed
from tests.engines.test_elasticsearch import answering
from tests.faults import shop
from tests.faults.worker import apply_at, plan_at
from tests.proxy import Proxy, standing
from tests.warehouse import SETTINGS

PEOPLE = f"{PREFIX}people"
MAPPING = {"id": {"type": "long"}, "plan": {"type": "keyword"}}
ROWS = [{"id": 1, "plan": "gold"}, {"id": 2, "plan": "gold"}, {"id": 3, "plan": "iron"}]


@pytest.fixture(params=["elasticsearch_url", "elasticsearch_7_url"])
def url(request) -> str:
    """The url of a server."""
    found: str = getattr(services, request.param)()
    return found


@pytest.fixture
def server(url: str, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server, whose people are a segment that is deployed beside others."""
    monkeypatch.setenv("CRM_URL", url)
    (fresh / "segflow.toml").write_text(SETTINGS + SECRET)
    catalog = CATALOG.format(engine="elasticsearch").replace("table: people", f"table: {PEOPLE}")
    for name, text in (("catalog", catalog), ("segments", SEGMENTS)):
        path = fresh / name / "shop.yaml"
        path.write_text(path.read_text() + text)
    with client(url) as connection:
        write_index(connection, PEOPLE, MAPPING, ROWS)
        apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
        yield connection
        drop_indices(connection)


@pytest.mark.parametrize(
    ("mapping", "rows", "says"),
    [
        ({"id": {"type": "long"}}, [{"id": 1}], "column is missing, or has another type"),
        ({**MAPPING, "plan": {"type": "text"}}, ROWS, "column is missing, or has another type"),
        ({**MAPPING, "id": {"type": "keyword"}}, [], "column is missing, or has another type"),
        (MAPPING, [*ROWS, {"id": 1, "plan": "iron"}], "one value per key"),
        (MAPPING, [{"id": 1, "plan": ["gold", "iron"]}], "declare it as a list"),
    ],
)
def test_an_index_that_changed(server, fresh, mapping, rows, says):
    """Nobody leaves since a field is gone; until it is as it was."""
    write_index(server, PEOPLE, mapping, rows)
    reason = refreshed(fresh, shop.SECOND)
    assert reason is not None
    assert re.search(says, reason), reason
    write_index(server, PEOPLE, MAPPING, ROWS)
    assert refreshed(fresh, shop.LATER) is None


def test_an_index_that_is_gone(server, fresh):
    """Until it is back."""
    server.indices.delete(index=PEOPLE)
    assert "table or column is missing" in (refreshed(fresh, shop.SECOND) or "")
    write_index(server, PEOPLE, MAPPING, ROWS)
    assert refreshed(fresh, shop.LATER) is None


@pytest.mark.parametrize("url", ["elasticsearch_url"], indirect=True)
@pytest.mark.parametrize("marker", [b"_search", b""], ids=["to a question", "to a greeting"])
def test_an_answer_that_never_ends(server, fresh, url, monkeypatch, marker):
    """A byte comes now and then, each well in time; what ends is the time for all of them."""
    with standing(Proxy(urlsplit(url).port or 0, marker, interval=0.5)) as proxy:
        monkeypatch.setenv("CRM_URL", proxy.through(url))
        assert "no answer within 3 s" in (refreshed(fresh, shop.SECOND) or "")
    monkeypatch.setenv("CRM_URL", url)
    assert refreshed(fresh, shop.LATER) is None


def test_a_password_that_is_wrong(server, fresh, url, monkeypatch):
    """Until the url has the right one; what the server says of it is not kept."""
    refusal = {"error": {"type": "security_exception", "reason": "hush-hush"}, "status": 401}
    with answering(401, refusal) as refusing:
        monkeypatch.setenv("CRM_URL", f"http://me:hush-hush@127.0.0.1:{refusing.server_port}")
        reason = refreshed(fresh, shop.SECOND) or ""
    assert "the user of the url needs the right" in reason
    assert "hush" not in reason
    monkeypatch.setenv("CRM_URL", url)
    assert refreshed(fresh, shop.LATER) is None


def test_a_server_that_is_gone(server, fresh, monkeypatch):
    """Its address is of nobody."""
    monkeypatch.setenv("CRM_URL", "http://me:secret@127.0.0.1:1")
    reason = refreshed(fresh, shop.SECOND)
    assert reason is not None
    assert "secret" not in reason
