"""Elasticsearch, asked on real servers of line 8 and line 7."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from segflow.compiler.pipeline import compile_project
from segflow.engines.elasticsearch import ElasticsearchEngine
from segflow.model.catalog import Source
from segflow.model.instant import parse_instant
from segflow.model.keys import parse_key
from segflow.model.project import Project
from tests import services
from tests.agreement.data import world_of
from tests.agreement.elastic import client, drop_indices, in_indices, promised, write_indices
from tests.agreement.sides import by_engine, by_reference, compiled_for_reference
from tests.test_cases import FILES, keys_in, logs, project_of, queries_in, read, rows

SERVERS = {"8": services.elasticsearch_url, "7": services.elasticsearch_7_url}
LARGEST = 2**63 - 1


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


# --- the language's cases --------------------------------------------------------------------


def case_of(path: Path, folder: Path, url: str) -> tuple[Mapping[str, Any], Project, Any]:
    """A case on the server, with its rows; events promise what holds of their rows."""
    case = read(path)
    project = project_of(case, folder)
    tables = rows(project, case["tables"])
    return case, promised(in_indices(project, url), tables), tables
