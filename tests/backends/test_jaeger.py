"""jaeger: the questions that Jaeger's search can answer, asked by its own API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.backends import questions
from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, get, running, until, workload
from tests.backends.truth import Truth, near

JAEGER = program("jaeger")
pytestmark = pytest.mark.skipif(JAEGER is None, reason="no Jaeger: make backends")


class Jaeger:
    """Jaeger's query API, and the truth of what was sent."""

    def __init__(self, port: int, truth: Truth) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self.truth = truth

    def open(self, address: str) -> list[dict[str, Any]]:
        """The traces at an address of the user interface, which asks the API the same."""
        api = address.replace("/search?", "/api/traces?").replace("/trace/", "/api/traces/")
        found = get(self._url + quote(api, safe="/?&=,:"))
        assert found is not None, f"Jaeger does not answer {address}"
        return list(found["data"] or ())

    def answer(self, question: str, **values: str) -> list[dict[str, Any]]:
        """The traces that the query of the README's table finds."""
        (address,) = questions.queries("Jaeger")[question]
        for name, value in values.items():
            address = address.replace(name, value)
        return self.open(address)


def tags(span: dict[str, Any]) -> dict[str, Any]:
    """A span's tags."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def spans(traces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tags of all spans of traces."""
    return [tags(span) for trace in traces for span in trace["spans"]]


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    here: Path = tmp_path_factory.mktemp("jaeger")
    grpc, http, query, query_grpc, telemetry = free_ports(5)
    settings = {
        "OTLP_GRPC": f"127.0.0.1:{grpc}",
        "OTLP_HTTP": f"127.0.0.1:{http}",
        "JAEGER_HTTP": f"127.0.0.1:{query}",
        "JAEGER_GRPC": f"127.0.0.1:{query_grpc}",
        "METRICS_PORT": str(telemetry),
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
        until(
            lambda: len(spans(asked.answer("recent calls"))) >= len(truth.rows) or None,
            "the spans in Jaeger",
        )
        yield asked


def recent(jaeger: Jaeger) -> None:
    found = jaeger.answer("recent calls")
    assert len(found) == jaeger.truth.turns
    operations = Counter(each["gen_ai.operation.name"] for each in spans(found))
    assert operations == jaeger.truth.counted("operation")


def lineage(jaeger: Jaeger) -> None:
    for trace in jaeger.answer("recent calls"):
        question = "all calls of a trace, with lineage"
        (whole,) = jaeger.answer(question, TRACE_ID=trace["traceID"])
        parents = {
            span["spanID"]: span["references"][0]["spanID"] if span["references"] else None
            for span in whole["spans"]
        }
        names = {span["spanID"]: span["operationName"] for span in whole["spans"]}
        roots = [names[span] for span, parent in parents.items() if parent is None]
        assert roots == ["invoke_workflow answer_question"]
        above = {names[s]: names[p] for s, p in parents.items() if p is not None}
        assert above["execute_tool search_orders"] == "invoke_agent researcher"
        assert above["embeddings text-embedding-3-small"] == "retrieval handbook"
        assert above["retrieval handbook"] == "invoke_workflow answer_question"


def finds(question: str, **equal: str) -> Callable[[Jaeger], None]:
    """A check that a query finds the traces in which rows have these values, and no other."""

    def check(jaeger: Jaeger) -> None:
        wanted = {row["turn"] for row in jaeger.truth.where(**equal)}
        found = jaeger.answer(question)
        assert len(found) == len(wanted) > 0
        sessions = {each["session.id"] for each in spans(found)}
        assert sessions == {row["session"] for row in jaeger.truth.where(**equal)}
        (address,) = questions.queries("Jaeger")[question]
        for value in set(equal.values()):
            address = address.replace(value, "no-such-value")
        assert jaeger.open(address) == []

    return check


def one_request(jaeger: Jaeger) -> None:
    (row,) = jaeger.truth.where(session="s-06", operation="chat", model="gpt-4o", input=6000)
    found = jaeger.answer("one request whole", RESPONSE_ID=row["id"])
    (span,) = [each for each in spans(found) if each.get("gen_ai.response.id") == row["id"]]
    (asked,) = json.loads(span["gen_ai.input.messages"])
    (answered,) = json.loads(span["gen_ai.output.messages"])
    assert asked["parts"][0]["content"] == jaeger.truth.question
    assert answered["parts"][0]["content"] == jaeger.truth.words
    assert span["gen_ai.usage.input_tokens"] == row["input"]
    assert span["gen_ai.usage.cache_read.input_tokens"] == row["cached"]
    assert span["gen_ai.usage.cost"] == near(row["cost"])


CHECKS: dict[str, Callable[[Jaeger], None]] = {
    "recent calls": recent,
    "all calls of a trace, with lineage": lineage,
    "calls of a session": finds("calls of a session", session="s-01"),
    "calls of a user": finds("calls of a user", user="ada"),
    "calls of a company": finds("calls of a company", tenant="acme"),
    "calls with a tag": finds("calls with a tag", tag="beta"),
    "failed retrievals of the last week": finds(
        "failed retrievals of the last week", operation="retrieval", error="LookupError"
    ),
    "errors by type and model": finds(
        "errors by type and model", error="openai.RateLimitError", model="gpt-broken"
    ),
    "one request whole": one_request,
}


def test_each_query_of_the_table_has_a_check() -> None:
    assert set(questions.queries("Jaeger")) == set(CHECKS)


@pytest.mark.parametrize("question", CHECKS)
def test_the_answer_is_the_truth(jaeger: Jaeger, question: str) -> None:
    CHECKS[question](jaeger)


def test_tags_are_sought_in_the_whole_trace(jaeger: Jaeger) -> None:
    # As the README warns: the error is on one span and the model on another.
    crossed = '{"error.type":"LookupError","gen_ai.request.model":"claude-haiku-4-5"}'
    (found,) = jaeger.open(f"/search?service=workload&tags={crossed}")
    failed = [each for each in spans([found]) if each.get("error.type") == "LookupError"]
    assert [each.get("gen_ai.request.model") for each in failed] == [None]
