"""jaeger: the questions that Jaeger's search can answer, asked by its own API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, get, running, until, workload

JAEGER = program("jaeger")
pytestmark = pytest.mark.skipif(JAEGER is None, reason="no Jaeger: make backends")


class Jaeger:
    """Jaeger's query API, and the truth of what was sent."""

    def __init__(self, port: int, truth: Any) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self.truth = truth

    def traces(self, limit: int = 100, operation: str = "", **tags: str) -> list[dict[str, Any]]:
        """Traces by an operation and tags, as the search form asks for them."""
        asked = {"service": "workload", "limit": limit, "lookback": "1h"}
        if operation:
            asked["operation"] = operation
        if tags:
            asked["tags"] = json.dumps({name.replace("__", "."): v for name, v in tags.items()})
        found = get(f"{self._url}/api/traces?{urlencode(asked)}")
        return [] if found is None else list(found["data"] or ())

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace."""
        found: dict[str, Any] = get(f"{self._url}/api/traces/{trace_id}")["data"][0]
        return found


def tags(span: dict[str, Any]) -> dict[str, Any]:
    """A span's tags."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    here: Path = tmp_path_factory.mktemp("jaeger")
    grpc, http, query, query_grpc = free_ports(4)
    settings = {
        "OTLP_GRPC": f"127.0.0.1:{grpc}",
        "OTLP_HTTP": f"127.0.0.1:{http}",
        "JAEGER_HTTP": f"127.0.0.1:{query}",
        "JAEGER_GRPC": f"127.0.0.1:{query_grpc}",
        "JAEGER_DATA": str(here / "data"),
    }
    with running([JAEGER, "--config", CONFIGS / "jaeger" / "config.yaml"], here, query, **settings):
        truth = workload(
            here,
            f"http://127.0.0.1:{http}",
            OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
        )
        asked = Jaeger(query, truth)
        wanted = sum(truth["spans"].values())
        until(
            lambda: sum(len(each["spans"]) for each in asked.traces()) >= wanted or None,
            "the spans in Jaeger",
        )
        yield asked


def test_recent_calls_with_lineage(jaeger: Jaeger) -> None:
    found = jaeger.traces()
    assert len(found) == len(jaeger.truth["sessions"])
    counted: Counter[str] = Counter()
    for trace in found:
        whole = jaeger.trace(trace["traceID"])
        ids = {span["spanID"] for span in whole["spans"]}
        roots = [span for span in whole["spans"] if not span["references"]]
        assert [span["operationName"] for span in roots] == ["invoke_workflow answer_question"]
        assert all(
            span["references"][0]["spanID"] in ids for span in whole["spans"] if span["references"]
        )
        counted.update(tags(span)["gen_ai.operation.name"] for span in whole["spans"])
    assert counted == jaeger.truth["spans"]


def test_calls_of_a_session_a_user_and_a_tenant(jaeger: Jaeger) -> None:
    for tenant, session, user in jaeger.truth["sessions"]:
        (by_session,) = jaeger.traces(session__id=session)
        (by_user,) = jaeger.traces(user__id=user)
        assert by_session["traceID"] == by_user["traceID"]
        assert {tags(span)["session.id"] for span in by_session["spans"]} == {session}
        of_tenant = sum(each == tenant for each, _, _ in jaeger.truth["sessions"])
        assert len(jaeger.traces(otelier__metadata__tenant=tenant)) == of_tenant
    assert not jaeger.traces(session__id="s-0")


def test_errors_by_type_and_model(jaeger: Jaeger) -> None:
    found = jaeger.traces(error="true", gen_ai__request__model="gpt-broken")
    failed = [span for trace in found for span in trace["spans"] if tags(span).get("error") is True]
    assert len(failed) == jaeger.truth["errors"]
    assert {tags(span)["error.type"] for span in failed} == {"openai.RateLimitError"}
    # Badger finds traces: each of the tags may be on another of their spans.
    assert not jaeger.traces(error="true", gen_ai__request__model="gpt-unknown")


def test_one_request_whole(jaeger: Jaeger) -> None:
    trace = jaeger.traces(session__id="s-1", operation="chat gpt-4o")[0]
    span = next(each for each in trace["spans"] if each["operationName"] == "chat gpt-4o")
    asked = json.loads(tags(span)["gen_ai.input.messages"])
    assert asked[0]["parts"][0]["content"] == jaeger.truth["question"]
    assert tags(span)["gen_ai.usage.input_tokens"] > 0
