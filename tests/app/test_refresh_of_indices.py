"""Refreshing from Elasticsearch while indices change or the server is gone: its segment keeps its
last good members, marked as stale with the reason, and other sources' segments go on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segflow.planner.planfile import to_bytes
from tests import services
from tests.agreement.elastic import PREFIX, client, drop_indices, write_index
from tests.app.test_refresh_of_servers import CATALOG, SECRET, SEGMENTS, refreshed
from tests.faults import shop
from tests.faults.worker import apply_at, plan_at
from tests.warehouse import SETTINGS

PEOPLE = f"{PREFIX}people"
MAPPING = {"id": {"type": "long"}, "plan": {"type": "keyword"}}
ROWS = [{"id": 1, "plan": "gold"}, {"id": 2, "plan": "gold"}, {"id": 3, "plan": "iron"}]


@pytest.fixture(params=["elasticsearch_url", "elasticsearch_7_url"])
def server(request, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server, whose people are a segment that is deployed beside others."""
    url = getattr(services, request.param)()
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


def test_a_server_that_is_gone(server, fresh, monkeypatch):
    """Its address is of nobody."""
    monkeypatch.setenv("CRM_URL", "http://me:secret@127.0.0.1:1")
    reason = refreshed(fresh, shop.SECOND)
    assert reason is not None
    assert "secret" not in reason
