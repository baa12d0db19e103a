"""What goes in comes out, whichever way: JSON, protobuf, the store."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otelier import wire
from otelier.store import otlp_json, otlp_proto
from otelier.store.reading import Reader
from otelier.store.spans import StoredLog, StoredResource, StoredSpan
from otelier.store.writer import Writer

from .comparing import message, plain, with_base64_ids
from .randomly import Randomly

SEEDS = range(4)


def compared(items: Sequence[Any]) -> list[str]:
    """In an order that does not depend on how they were sent."""
    return sorted(repr(plain(item)) for item in items)


@pytest.fixture(params=SEEDS)
def spans(request: pytest.FixtureRequest) -> list[StoredSpan]:
    return Randomly(request.param).spans(60)


@pytest.fixture(params=SEEDS)
def events(request: pytest.FixtureRequest) -> list[StoredLog]:
    return Randomly(request.param).events(100)


def test_spans_by_json_and_by_protobuf(spans: list[StoredSpan]) -> None:
    line, data = otlp_json.line(spans), otlp_proto.encode(spans)
    assert compared(list(otlp_json.decode(line))) == compared(spans)
    assert compared(otlp_proto.decode(data)) == compared(spans)
    # Both are the same message, and protobuf's own reader finds nothing wrong with the JSON.
    assert str(message(line)) == str(otlp_proto.message(spans))


def test_log_records_by_json_and_by_protobuf(events: list[StoredLog]) -> None:
    line, data = otlp_json.log_line(events), otlp_proto.encode_logs(events)
    assert compared(list(otlp_json.decode_logs(line))) == compared(events)
    assert compared(otlp_proto.decode_logs(data)) == compared(events)
    parsed = json_format.ParseDict(with_base64_ids(wire.loads(line)), ExportLogsServiceRequest())
    assert str(parsed) == str(ExportLogsServiceRequest.FromString(data))
    assert list(otlp_json.decode(line)) == [] and list(otlp_json.decode_logs(b"{}")) == []


def test_both_by_the_store(spans: list[StoredSpan], tmp_path: Path) -> None:
    events = Randomly(len(spans)).events(100)
    path = tmp_path / "traces.db"
    writer = Writer(path)
    assert writer.write(spans, events) == 160
    # What was exported comes again, by other ways.
    again = list(otlp_json.decode(otlp_json.line(spans)))
    assert writer.write(again, otlp_proto.decode_logs(otlp_proto.encode_logs(events))) == 0
    writer.close()
    with closing(sqlite3.connect(path)) as connection:
        reader = Reader(connection)
        assert [plain(span) for _, span in reader.after(0, 1000)] == [plain(each) for each in spans]
        assert [plain(log) for _, log in reader.events_after(0, 1000)] == [
            plain(each) for each in events
        ]
        assert [number for number, _ in reader.events_after(99, 10)] == [100]


def test_equal_resources_are_sent_once_and_unequal_ones_apart() -> None:
    def span(value: Any) -> StoredSpan:
        resource = StoredResource({"a": value})
        return StoredSpan("01" * 16, "02" * 8, None, "s", resource=resource)

    request = otlp_json.encode([span(1), span(True), span(1.0), span("1"), span(1)])
    assert [len(of["scopeSpans"][0]["spans"]) for of in request["resourceSpans"]] == [2, 1, 1, 1]


def test_nothing_that_arrives_breaks_the_readers_or_the_store(tmp_path: Path) -> None:
    """Requests in which anything stands anywhere."""
    chance = random.Random(5)
    odd: list[Any] = [
        None, True, -1, 2**64, 10**400, 1.5, 1e999, "", "x", "9" * 5000, "-1", "NaN", "0x10", " 7 ",
        "\ud83d", "\x00", [], [[]], [None, 1], {}, {"": {}}, {"value": {"intValue": 10**30}},
        {"key": 1}, {"stringValue": 1}, {"arrayValue": {"values": {"a": 1}}}, {"kvlistValue": []},
        {"arrayValue": []}, {"bytesValue": "=="}, {"boolValue": "no"}, {"doubleValue": "1e999"},
    ]  # fmt: skip

    def spoiled(value: Any) -> Any:
        if chance.random() < 0.04:
            return chance.choice(odd)
        if isinstance(value, dict):
            return {key: spoiled(member) for key, member in value.items()}
        return [spoiled(member) for member in value] if isinstance(value, list) else value

    writer = Writer(tmp_path / "traces.db")
    kept = 0
    for seed in range(60):
        makes = Randomly(seed)
        request = spoiled(
            {**otlp_json.encode(makes.spans(5)), **otlp_json.encode_logs(makes.events(5))}
        )
        text = json.dumps(request)
        spans: list[StoredSpan] = []
        logs: list[StoredLog] = []
        try:
            spans, logs = list(otlp_json.decode(text)), list(otlp_json.decode_logs(text.encode()))
        except ValueError:
            assert not isinstance(request, dict) or "Infinity" in text
        kept += writer.write(spans, logs)
        assert len(otlp_proto.decode(otlp_proto.encode(spans))) == len(spans)
        assert len(otlp_proto.decode_logs(otlp_proto.encode_logs(logs))) == len(logs)
        assert otlp_json.log_line(logs) and otlp_json.line(spans)
    assert kept > 200
    writer.close()
    with closing(sqlite3.connect(writer.path)) as connection:
        reader = Reader(connection)
        assert len(reader.after(0, 10_000)) + len(reader.events_after(0, 10_000)) == kept
        connection.execute("SELECT * FROM evaluations").fetchall()


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\xff", b"nonsense", b"\x0a\x02\x12"])
def test_what_is_no_protobuf_is_a_value_error(data: bytes) -> None:
    for decode in (otlp_proto.decode, otlp_proto.decode_logs):
        with pytest.raises(ValueError):
            decode(data)


def test_json_that_is_odd_but_readable() -> None:
    def one(attribute: str) -> Any:
        line = (
            '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","name":"b \\ud83d",'
            f'"attributes":[{{"key":"k","value":{attribute}}}]}}]}}]}}]}}'
        )
        (span,) = otlp_json.decode(line)
        assert span.name == "b �"
        return span.attributes["k"]

    assert one('{"stringValue":"\\ud83d\\ude00 \\ude00"}') == "😀 �"
    assert one('{"intValue":"9223372036854775808"}') == "9223372036854775808"
    assert one('{"intValue":7}') == 7
    assert one('{"stringValue":7}') is None and one('{"boolValue":"false"}') is None
    assert one('{"bytesValue":"AP8="}') == b"\x00\xff" and one('{"bytesValue":"%%"}') is None
    deep: Any = one('{"arrayValue":{"values":[' * 200 + "{}" + "]}}" * 200)
    depth = 0
    while isinstance(deep, list):
        (deep,) = deep
        depth += 1
    assert depth == 100 and deep == "(nested too deeply)"
