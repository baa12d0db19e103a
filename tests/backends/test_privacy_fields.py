"""privacy: whatever field a text stands in, who may not read it does not get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier import semconv
from tests.backends import otlp
from tests.backends.programs import program
from tests.backends.receiver import Receiver
from tests.backends.running import Otelcol, collector, until

pytestmark = pytest.mark.skipif(program("otelcol") is None, reason="no collector: make backends")

MAIL, CARD = "ada.lovelace@example.org", "4111 1111 1111 1111"
SAID = f"my address is {MAIL}, my card {CARD}, my secret zebra"
# Fields that may carry what was said, on spans of otelier and of anybody.
SPAN = [
    *semconv.CONTENT_ATTRIBUTES,
    "gen_ai.tool.description",
    "gen_ai.agent.description",
    "gen_ai.evaluation.explanation",
    "gen_ai.prompt",
    "gen_ai.request.stop_sequences",
    "otelier.metadata.note",
    "otelier.batch.note",
    "url.full",
    "db.query.text",
    "input.value",
    "output.value",
    "exception.message",
    "code.note",
]
IDS = ("user.id", "session.id", "gen_ai.conversation.id")


def texts() -> Any:
    """A value with the text, nested as events have it."""
    return {"parts": [{"type": "text", "content": SAID}]}


def fill(value: Any, given: Any) -> None:
    """Put a Python value into OTLP's."""
    if isinstance(given, dict):
        for key, each in given.items():
            fill(value.kvlist_value.values.add(key=key).value, each)
    elif isinstance(given, list):
        for each in given:
            fill(value.array_value.values.add(), each)
    else:
        value.string_value = given


def spans() -> ExportTraceServiceRequest:
    """A span of otelier's with the text everywhere, and one of another library."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    otlp.add(resource.resource.attributes, {"service.name": "shop", "process.command_args": SAID})
    scope = resource.scope_spans.add()
    scope.scope.name = "otelier"
    otlp.add(scope.scope.attributes, {"note": SAID})
    full = otlp.span(
        "chat gpt-4o", gen_ai__operation__name="chat", gen_ai__usage__cost=0.1234567890123456
    )
    otlp.add(full.attributes, dict.fromkeys(SPAN, SAID))
    otlp.add(full.attributes, {"otelier.cost.total": 0.4111111111111111})
    otlp.add(full.attributes, {"user.id": 17, "session.id": MAIL, "gen_ai.conversation.id": MAIL})
    otlp.add(full.attributes, {"gen_ai.request.model": "gpt-4o", "otelier.metadata.tenant": "acme"})
    fill(full.attributes.add(key="otelier.tags").value, ["beta", SAID])
    full.status.code, full.status.message = full.status.STATUS_CODE_ERROR, SAID
    full.trace_state = "note=zebra"
    event = full.events.add(name="exception")
    otlp.add(event.attributes, {"exception.type": "ValueError", "exception.message": SAID})
    otlp.add(event.attributes, {"gen_ai.input.messages": SAID})
    other = otlp.span(f"GET /users/{MAIL}?q=zebra", url__full=SAID, http__route="/users/{id}")
    scope.spans.extend([full, other])
    return request


def logs() -> ExportLogsServiceRequest:
    """An event with the text in its body and, nested, in an attribute."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = "gen_ai.client.inference.operation.details"
    fill(record.body, texts())
    fill(record.attributes.add(key="gen_ai.input.messages").value, [texts()])
    otlp.add(record.attributes, {"long": "x" * 1_100_000})
    return request


def metrics() -> ExportMetricsServiceRequest:
    """A metric of otelier's, and one of another library with the text as a label."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    otlp.add(resource.resource.attributes, {"service.name": "shop", "process.command_args": SAID})
    for name, label in (("gen_ai.client.operation.cost", "gpt-4o"), ("http.requests", SAID)):
        point = resource.scope_metrics.add().metrics.add(name=name).gauge.data_points.add()
        point.as_double = 1.0
        otlp.add(point.attributes, {"gen_ai.request.model": label})
    return request


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, Receiver]]:
    here: Path = tmp_path_factory.mktemp("fields")
    with Receiver() as restricted, Receiver() as everyone:
        ends = {"RESTRICTED_ENDPOINT": restricted.url, "EVERYONE_ENDPOINT": everyone.url}
        with collector(here, "privacy/config.yaml", **ends) as running:
            send(running)
            until(lambda: len(restricted.paths()) == 2 or None, "spans and events")
            until(lambda: len(everyone.paths()) == 2 or None, "spans and metrics")
        yield restricted, everyone


def send(running: Otelcol) -> None:
    """Send all three signals."""
    for signal, request in (("traces", spans()), ("logs", logs()), ("metrics", metrics())):
        body = request.SerializeToString()
        answer = otlp.post(running.http, body, path=f"/v1/{signal}")
        assert answer == 200, signal


def everything(side: Receiver) -> bytes:
    """All that a side was sent."""
    return b"".join(body for path in side.paths() for body in side.bodies(path))


def test_everyone_gets_no_text_in_any_field(sides: tuple[Receiver, Receiver]) -> None:
    _, everyone = sides
    for secret in ("zebra", MAIL, CARD):
        assert secret.encode() not in everything(everyone), secret
    assert everyone.paths() == {"/v1/traces", "/v1/metrics"}


def test_everyone_gets_the_metadata(sides: tuple[Receiver, Receiver]) -> None:
    full, other = sides[1].spans()
    told = full["attributes"]
    assert full["name"] == "chat gpt-4o" and other["name"] == "span of otelier"
    assert told["gen_ai.request.model"] == "gpt-4o" and told["otelier.metadata.tenant"] == "acme"
    assert told["gen_ai.usage.cost"] == 0.1234567890123456
    assert told["otelier.cost.total"] == 0.4111111111111111
    assert full["resource"] == {"service.name": "shop"}
    assert other["attributes"] == {"http.route": "/users/{id}"}
    for name in IDS:
        assert len(told[name]) == 64, name
    # A number is hashed, too, and no reason to refuse the request.
    assert told["session.id"] == told["gen_ai.conversation.id"] != told["user.id"]
    (body,) = sides[1].bodies("/v1/metrics")
    names = [
        metric.name
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    assert names == ["gen_ai.client.operation.cost"]


def test_the_restricted_side_gets_content_masked(sides: tuple[Receiver, Receiver]) -> None:
    restricted, _ = sides
    said = everything(restricted)
    assert said.count(b"zebra") > len(SPAN)
    for secret in (MAIL, CARD):
        assert secret.encode() not in said, secret
    full, other = restricted.spans()
    assert full["attributes"]["gen_ai.usage.cost"] == 0.1234567890123456
    assert "zebra" in full["attributes"]["gen_ai.input.messages"]
    assert other["name"] == "GET /users/****?q=zebra"
    assert b"x" * 1_048_576 in said and b"x" * 1_048_577 not in said
