"""Whatever OTLP knows of a span goes through both encodings and comes out as it was."""

from __future__ import annotations

from random import Random

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier.store import logs, logs_proto, otlp_json, otlp_proto

from . import chance, official

SEEDS = range(40)


# ``repr`` tells 1 from 1.0 and True, -0.0 from 0.0, and takes NaN for itself.
@pytest.mark.parametrize("seed", SEEDS)
def test_spans(seed: int) -> None:
    spans = chance.several(Random(seed), chance.span)
    line, data = otlp_json.line(spans), otlp_proto.encode(spans)
    assert repr(list(otlp_json.decode(line))) == repr(spans)
    assert repr(otlp_proto.decode(data)) == repr(spans)
    # Through one and the other, and back to the first.
    assert otlp_json.line(otlp_proto.decode(otlp_proto.encode(otlp_json.decode(line)))) == line
    assert str(official.message(line)) == str(ExportTraceServiceRequest.FromString(data))


@pytest.mark.parametrize("seed", SEEDS)
def test_logs(seed: int) -> None:
    found = chance.several(Random(seed), chance.log)
    line, data = logs.line(found), logs_proto.encode(found)
    assert repr(list(logs.decode(line))) == repr(found)
    assert repr(logs_proto.decode(data)) == repr(found)
    assert logs.line(logs_proto.decode(logs_proto.encode(logs.decode(line)))) == line
    assert str(official.logs_message(line)) == str(ExportLogsServiceRequest.FromString(data))


def test_equal_resources_and_scopes_are_said_once() -> None:
    # Of objects that are not the same, with spans of others between them.
    one = chance.several(Random(1), chance.span)
    two = chance.several(Random(1), chance.span)
    both = otlp_json.encode([span for pair in zip(one, two, strict=True) for span in pair])
    assert len(both["resourceSpans"]) == 2
    assert [len(each["scopeSpans"]) for each in both["resourceSpans"]] == [2, 2]
    message = ExportTraceServiceRequest.FromString(otlp_proto.encode([*one, *two]))
    assert [len(each.scope_spans) for each in message.resource_spans] == [2, 2]


def test_what_is_like_and_not_the_same_stays_apart() -> None:
    (span, *_) = chance.several(Random(2), chance.span)
    kinds = [True, 1, 1.0]
    made = otlp_json.encode(
        chance.span(Random(0), span.scope, type(span.resource)({"x": kind})) for kind in kinds
    )
    assert len(made["resourceSpans"]) == 3
