"""The server of Elasticsearch that benches ask, and an index of users in it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elastic_transport import TransportError
from elasticsearch import Elasticsearch, helpers

INDEX = "segflow_bench_users"
COUNTRIES = ("US", "DE", "FR", "CN", "BR", "IN", "JP", "GB", "ES", "IT")
PLANS = ("free", "basic", "pro", "team", "trial")
MAPPING = {
    "user_id": {"type": "long"},
    "country": {"type": "keyword"},
    "plan": {"type": "keyword"},
}


def url() -> str:
    """Where it is: SEGFLOW_BENCH_ELASTICSEARCH_URL, or as services/start-elasticsearch has it."""
    port = os.environ.get("SEGFLOW_ELASTICSEARCH_PORT") or "9250"
    return os.environ.get("SEGFLOW_BENCH_ELASTICSEARCH_URL") or f"http://127.0.0.1:{port}"


def document(user_id: int) -> dict[str, Any]:
    """What is known of a user, the same each time; a fifth of all have one plan."""
    return {
        "user_id": user_id,
        "country": COUNTRIES[user_id * 7919 % 104729 % len(COUNTRIES)],
        "plan": PLANS[user_id * 104729 % 7919 % len(PLANS)],
    }


@contextmanager
def indexed(users: int) -> Iterator[str]:
    """The server's url while it has the index of so many users. A missing server fails the
    bench."""
    with Elasticsearch(url(), request_timeout=120) as client:
        try:
            client.options(ignore_status=404).indices.delete(index=INDEX)
        except TransportError:
            sys.exit(
                f"no Elasticsearch answers at {url()}: services/start-elasticsearch starts one"
            )
        settings = {"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": -1}
        client.indices.create(
            index=INDEX, settings=settings, mappings={"properties": MAPPING, "dynamic": "strict"}
        )
        actions = (
            {"_index": INDEX, "_id": str(number), "_source": document(number)}
            for number in range(1, users + 1)
        )
        for _ in helpers.parallel_bulk(client, actions, thread_count=2, chunk_size=5_000):
            pass
        client.indices.refresh(index=INDEX)
        client.indices.forcemerge(index=INDEX, max_num_segments=4)
        yield url()
        client.indices.delete(index=INDEX)
