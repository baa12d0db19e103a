from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelier.store import otlp_json, otlp_proto
from otelier.store.spans import stored

from . import official
from .spans import ATTRIBUTES, everything, provider


def _one(**attributes: object) -> bytes:
    memory = InMemorySpanExporter()
    tracer = provider(memory).get_tracer("t")
    tracer.start_span("s", attributes=attributes).end()  # type: ignore[arg-type]
    return otlp_json.line(map(stored, memory.get_finished_spans()))


def test_our_json_is_the_message_that_the_official_protobuf_encoder_makes() -> None:
    spans = everything()
    made = [stored(span) for span in spans]
    # NaN is unlike itself, also within messages.
    theirs = str(encode_spans(spans))
    ours = ExportTraceServiceRequest.FromString(otlp_proto.encode(made))
    assert str(official.message(otlp_json.line(made))) == str(ours)
    # The official encoder leaves out what links know of their trace.
    assert "nan" in theirs and _without_states_of_links(ours) == theirs
    assert len(ours.resource_spans) == 2 and len(ours.resource_spans[0].scope_spans) == 2


def _without_states_of_links(request: ExportTraceServiceRequest) -> str:
    left = ExportTraceServiceRequest()
    left.CopyFrom(request)
    for of_resource in left.resource_spans:
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                for link in span.links:
                    link.ClearField("trace_state")
    return str(left)


def test_the_json_is_otlps_own_where_that_differs_from_protobufs() -> None:
    request = json.loads(otlp_json.line(map(stored, everything())))
    spans = [
        span
        for resource in request["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    outer = next(span for span in spans if span["name"] == "outer")
    assert outer["traceId"] == f"{0xABCDEF:032x}" and outer["parentSpanId"] == f"{0x1234:016x}"
    assert outer["links"][0]["spanId"] == f"{0x1234:016x}"
    assert outer["kind"] == 2 and outer["flags"] == 0x300
    assert outer["droppedAttributesCount"] == 1
    assert isinstance(outer["startTimeUnixNano"], str) and outer["startTimeUnixNano"].isdecimal()
    assert outer["traceState"] == "vendor=value,other=1"
    values = {pair["key"]: pair["value"] for pair in outer["attributes"]}
    assert values["int"] == {"intValue": str(2**63 - 1)}
    assert values["bytes"] == {"bytesValue": "AP8="}
    assert values["nan"] == {"doubleValue": "NaN"}
    assert values["none"] == {}
    assert values["nothing"] == {"arrayValue": {"values": []}}


def test_decoded_spans_are_the_spans_that_were_encoded() -> None:
    spans = [stored(span) for span in everything()]
    decoded = {span.span_id: span for span in otlp_json.decode(otlp_json.line(spans))}
    assert len(decoded) == len(spans) == 7
    for direct in spans:
        read = decoded[direct.span_id]
        for field in set(direct.__slots__) - {"attributes", "events", "links", "resource", "scope"}:
            assert getattr(read, field) == getattr(direct, field), field
        assert dict(read.resource.attributes) == dict(direct.resource.attributes)
        assert dict(read.scope.attributes) == dict(direct.scope.attributes)
        assert [(e.name, e.time_ns) for e in read.events] == [
            (e.name, e.time_ns) for e in direct.events
        ]
        assert [replace(e, attributes={}) for e in read.links] == [
            replace(e, attributes={}) for e in direct.links
        ]
    outer = next(span for span in decoded.values() if span.name == "outer")
    assert outer.remote_parent and outer.parent_id == f"{0x1234:016x}"
    assert outer.events[0].attributes == {"n": 1, "list": [1.5, 2.5]}
    read_back = dict(outer.attributes)
    assert math.isnan(read_back.pop("nan"))
    assert read_back == {key: value for key, value in ATTRIBUTES.items() if key != "nan"}
    assert type(read_back["whole"]) is float and type(read_back["zero"]) is int


def test_one_line_whatever_the_text_holds() -> None:
    line = _one(text="a\nb\r\n\u2028c")
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and b"\r" not in line


@pytest.mark.parametrize(
    ("value", "read_back"),
    [
        ("half \ud83d a pair", "half � a pair"),
        ("\ud83d\ude00", "😀"),
        (2**70, str(2**70)),
        ([1, [2, [3]]], [1, [2, [3]]]),
    ],
)
def test_values_that_receivers_refuse_are_made_harmless(value: object, read_back: object) -> None:
    line = _one(x=value)
    official.message(line)
    (span,) = otlp_json.decode(line)
    assert span.attributes["x"] == read_back


def test_bottomless_attributes_stay_within_what_protobuf_parsers_take() -> None:
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]
    maps: dict[str, object] = {}
    for _ in range(200):
        maps = {"in": maps}
    line = _one(lists=deep, maps=maps)
    assert ExportTraceServiceRequest.FromString(official.message(line).SerializeToString())
    assert otlp_proto.decode(otlp_proto.encode(otlp_json.decode(line)))
    assert b"(nested too deeply)" in line


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", "nonsense", b"[" * 5000])
def test_a_broken_line_is_a_value_error(line: bytes | str) -> None:
    with pytest.raises(ValueError):
        otlp_json.decode(line)


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"resourceSpans":null}',
        b'{"resourceSpans":[1,null,{"scopeSpans":{"a":1}}]}',
        b'{"resourceMetrics":[{"scopeMetrics":[]}]}',
    ],
)
def test_lines_without_spans_give_none(line: bytes) -> None:
    assert list(otlp_json.decode(line)) == []


def test_wrong_types_inside_become_empty() -> None:
    span = {
        "traceId": 7,
        "spanId": "AB",
        "parentSpanId": "",
        "name": None,
        "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": "soon",
        "endTimeUnixNano": 12,
        "attributes": [
            3,
            {"key": "a"},
            {"key": "b", "value": {"intValue": "x"}},
            {"key": "c", "value": {"bytesValue": 1}},
            {"key": "d", "value": {"arrayValue": None}},
            {"key": "e", "value": {"intValue": "9" * 5000}},
            {"key": "f", "value": {"doubleValue": "NaN"}},
        ],
        "events": "none",
        "status": 2,
    }
    (read,) = otlp_json.decode(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span, None]}]}]})
    )
    assert (read.trace_id, read.span_id, read.parent_id, read.name) == ("", "ab", None, "")
    assert (read.start_ns, read.end_ns, read.status) == (0, 12, "UNSET")
    assert math.isnan(read.attributes["f"])
    assert [read.attributes[key] for key in "abcde"] == [None] * 5


def test_a_deeply_nested_value_in_a_file_is_read_or_left_out() -> None:
    value = '{"arrayValue":{"values":[' * 330 + "{}" + "]}}" * 330
    line = (
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"s","attributes":'
        '[{"key":"deep","value":' + value + '},{"key":"flat","value":{"stringValue":"x"}}]}]}]}]}'
    )
    (span,) = otlp_json.decode(line)
    assert span.attributes["flat"] == "x"
