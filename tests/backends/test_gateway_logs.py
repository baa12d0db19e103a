"""gateway: events go to one backend for all tenants, so they go there without content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otelier import semconv
from tests.backends.gateways import OTELCOL, Site
from tests.backends.otlp import attributes
from tests.backends.receiver import Receiver
from tests.backends.running import opened, until, workload
from tests.backends.truth import near

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")
SECRET = "the crimson parcel"
KEPT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.cost": 0.25,
    "otelier.cost.source": "list",
    "error.type": "openai.RateLimitError",
    "exception.type": "openai.RateLimitError",
    "session.id": "s-01",
}
# As otelier, OpenTelemetry's older conventions and other libraries name them.
CONTENT = [
    *semconv.CONTENT_ATTRIBUTES,
    "gen_ai.evaluation.explanation",
    "exception.message",
    "exception.stacktrace",
    "gen_ai.retrieval.query",
    "gen_ai.prompt",
    "gen_ai.completion.0.content",
    "otelier.metadata.note",
    "input.value",
    "message",
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        site.start()
        yield site


def shaped(text: str) -> Iterator[AnyValue]:
    """A value of each kind that holds a text."""
    plain = AnyValue(string_value=text)
    of_map, of_list = AnyValue(), AnyValue()
    of_map.kvlist_value.values.add(key="content", value=plain)
    part = of_list.array_value.values.add().kvlist_value.values
    part.add(key="parts", value=AnyValue(kvlist_value=of_map.kvlist_value))
    yield from (plain, of_map, of_list, AnyValue(bytes_value=text.encode()))


def crafted() -> list[LogRecord]:
    """For each kind of value a record with it in all places, and what may be kept."""
    records = []
    for value in shaped(SECRET):
        record = LogRecord(event_name=semconv.EVENT_DETAILS, severity_number=9, body=value)
        for name in CONTENT:
            record.attributes.add(key=name, value=value)
        for name, kept in KEPT.items():
            kind = "double_value" if isinstance(kept, float) else "string_value"
            record.attributes.add(key=name, value=AnyValue(**{kind: kept}))
        records.append(record)
    return records


def records(backend: Receiver) -> list[LogRecord]:
    """The log records that a backend got."""
    return [
        record
        for body in backend.bodies("/v1/logs")
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def named(record: LogRecord) -> dict[str, Any]:
    return attributes(record.attributes)


def test_content_in_events_does_not_reach_the_backend_of_all(site: Site) -> None:
    sent = crafted()
    told = ExportLogsServiceRequest()
    told.resource_logs.add().scope_logs.add().log_records.extend(sent)
    asked = Request(f"http://localhost:{site.agent.http}/v1/logs", told.SerializeToString())
    asked.add_header("Content-Type", "application/x-protobuf")
    with opened(asked) as response:
        assert response.status == 200
    (backends,) = site.backends
    until(lambda: len(records(backends["default"])) >= len(sent) or None, "the events")
    found = records(backends["default"])
    assert [named(record) for record in found] == [KEPT] * len(sent)
    assert not any(record.body.string_value for record in found)
    assert {record.event_name for record in found} == {semconv.EVENT_DETAILS}
    assert not any(SECRET.encode() in body for body in backends["default"].bodies("/v1/logs"))
    assert all("/v1/logs" not in backends[tenant].paths() for tenant in ("acme", "umbrella"))


def test_events_of_otelier_arrive_with_their_numbers_alone(site: Site) -> None:
    capture = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT"}
    truth = workload(site.here, f"http://localhost:{site.agent.http}", **capture)
    (backends,) = site.backends
    inference = [row for row in truth.rows if row["operation"] in semconv.INFERENCE]

    def details() -> list[dict[str, Any]]:
        found = records(backends["default"])
        return [named(each) for each in found if each.event_name == semconv.EVENT_DETAILS]

    until(lambda: len(details()) >= len(inference) or None, f"{len(inference)} events")
    models = Counter(each["gen_ai.request.model"] for each in details())
    assert models == Counter(row["model"] for row in inference)
    tokens = sum(each.get("gen_ai.usage.input_tokens", 0) for each in details())
    assert tokens == sum(row["input"] or 0 for row in inference)
    costs = [each["gen_ai.usage.cost"] for each in details() if "gen_ai.usage.cost" in each]
    known = [row["cost"] for row in inference if row["cost"] is not None]
    assert sum(costs) == near(sum(known))
    until(lambda: len(site.arrived()) >= len(truth.rows) or None, "the spans")
    # Captured it was: it is on the spans.
    assert any(truth.question in str(span["attributes"]) for span in site.arrived())
    sent = b"".join(backends["default"].bodies("/v1/logs"))
    for secret in (truth.question, truth.personal, truth.words, "Slow down"):
        assert secret.encode() not in sent
