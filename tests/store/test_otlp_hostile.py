"""Whatever a sender writes: a receiver reads what can be read, and says what it left out."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier.store import checking, logs, logs_proto, otlp_json, otlp_proto
from otelier.store.spans import StoredLog, StoredSpan

from . import chance

TRACE, SPAN = "ab" * 16, "cd" * 8
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1.5,
    1e300,
    "x",
    "\x00",
    "9" * 5000,
    [],
    [None, 1, [[]], {}],
    {"values": 1},
    {"values": [{"values": {}}]},
)


def _line(span: str) -> str:
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'


def _attributes(pairs: str) -> dict[str, Any]:
    (span,) = otlp_json.decode(_line(f'{{"attributes":[{pairs}]}}'))
    return dict(span.attributes)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_a_wrong_type_anywhere_is_harmless(odd: Any) -> None:
    spans = otlp_json.encode(chance.several(Random(3), chance.span, 1)[:1])
    for changed in _each_replaced(spans, odd):
        otlp_proto.encode(otlp_json.decode(json.dumps(changed)))
    records = logs.encode([StoredLog(body={"a": [1]}, name="x", attributes={"a": b"1"})])
    for changed in _each_replaced(records, odd):
        logs_proto.encode(logs.decode(json.dumps(changed)))


def _each_replaced(value: Any, odd: Any) -> Any:
    """The JSON again and again, each time with something else of it replaced."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in list(pairs):
        inner = _each_replaced(member, odd) if isinstance(member, dict | list) else ()
        for changed in (odd, *inner):
            copy = value.copy()
            copy[key] = changed
            yield copy


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ('{"intValue":9223372036854775807}', 2**63 - 1),
        ('{"intValue":"-9223372036854775808"}', -(2**63)),
        ('{"intValue":"9223372036854775808"}', "9223372036854775808"),
        ('{"intValue":2.0}', 2),
        ('{"intValue":2.5}', None),
        ('{"intValue":true}', None),
        ('{"intValue":1e400}', None),
        ('{"doubleValue":3}', 3.0),
        ('{"stringValue":null,"boolValue":null,"intValue":"7"}', 7),
        ('{"doubleValue":"-Infinity"}', float("-inf")),
        ('{"doubleValue":-Infinity}', float("-inf")),
        ('{"doubleValue":' + "9" * 400 + "}", None),
        ('{"boolValue":"false"}', None),
        ('{"stringValue":5}', None),
        ('{"stringValue":"\\ud83d"}', "\ufffd"),
        ('{"stringValue":"\\ud83d\\ude00\\u0000"}', "😀\x00"),
        ('{"bytesValue":"_-8"}', b"\xff\xef"),
        ('{"bytesValue":"a"}', None),
        ('{"kvlistValue":{"values":[{"key":"k","value":{}},{"key":"k"}]}}', {"k": None}),
        ('{"stringValue":"first","stringValue":"last"}', "last"),
        ('{"unheard":1,"stringValue":"x"}', "x"),
    ],
)
def test_values(value: str, read: Any) -> None:
    found = _attributes(f'{{"key":"a","value":{value}}},{{"key":"b","value":{{"intValue":1}}}}')
    assert found == {"a": read, "b": 1} and type(found["a"]) is type(read)


def test_of_a_name_that_is_there_twice_the_last_counts() -> None:
    pair = '{"key":"a","value":{"intValue":%d}}'
    assert _attributes(f"{pair % 1},{pair % 2}") == {"a": 2}


@pytest.mark.parametrize("depth", [50, 250])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [('{"arrayValue":{"values":[', "]}}"), ('{"kvlistValue":{"values":[{"value":', "}]}}")],
)
def test_deep_values_are_cut_where_receivers_would_refuse_them(
    depth: int, opening: str, closing: str
) -> None:
    value = opening * depth + '{"intValue":1}' + closing * depth
    spans = list(otlp_json.decode(_line(f'{{"attributes":[{{"key":"deep","value":{value}}}]}}')))
    data = otlp_proto.encode(spans)
    assert b"(nested too deeply)" in data
    assert otlp_proto.decode(data)
    assert list(otlp_json.decode(otlp_json.line(spans)))


def test_times_and_counts_that_otlp_has_no_room_for() -> None:
    span = StoredSpan(TRACE, SPAN, None, "s", "NONE", -1, 2**64, {}, "NONE", flags=2**32)
    (read,) = otlp_proto.decode(otlp_proto.encode([span]))
    assert (read.start_ns, read.end_ns, read.flags) == (0, 0, 2**32 - 1)
    assert (read.kind, read.status) == ("UNSPECIFIED", "UNSET")
    assert list(otlp_json.decode(otlp_json.line([span]))) == [read]


@pytest.mark.parametrize("data", [b"\x00", b"\x0a\xff", b"{}", b"\xff" * 20])
def test_bytes_that_are_no_message_are_a_value_error(data: bytes) -> None:
    for decode in (otlp_proto.decode, logs_proto.decode):
        with pytest.raises(ValueError, match="not OTLP/protobuf"):
            decode(data)


def test_a_receiver_says_which_spans_it_left_out() -> None:
    good = {"traceId": TRACE.upper(), "spanId": SPAN, "parentSpanId": "0" * 16}
    sent = [
        good,
        {**good, "traceId": "0" * 32},
        {**good, "traceId": TRACE[2:]},
        {**good, "traceId": "x" * 32},
        {**good, "spanId": ""},
        {**good, "spanId": SPAN + "00"},
        {**good, "parentSpanId": "12"},
    ]
    checked = checking.spans(otlp_json.decode(_line(",".join(map(json.dumps, sent)))))
    assert [(span.trace_id, span.parent_id) for span in checked.kept] == [(TRACE, None)]
    assert checked.left_out == 6
    assert checked.why == (
        "3: the trace id is not 16 bytes other than zero; "
        "2: the span id is not 8 bytes other than zero; 1: the parent's span id is not 8 bytes"
    )
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=bytes(16), span_id=b"12345678")
    spans.add(trace_id=b"1234567890123456", span_id=b"12345678", parent_span_id=bytes(8))
    checked = checking.spans(otlp_proto.decode(request.SerializeToString()))
    assert [span.parent_id for span in checked.kept] == [None] and checked.left_out == 1


def test_logs_may_have_no_ids_and_no_wrong_ones() -> None:
    found = [
        StoredLog(name="none"),
        StoredLog(name="both", trace_id=TRACE, span_id=SPAN),
        StoredLog(name="wrong", trace_id=SPAN),
        StoredLog(name="short", trace_id=TRACE, span_id="12"),
    ]
    checked = checking.logs(found)
    assert [log.name for log in checked.kept] == ["none", "both"] and checked.left_out == 2
