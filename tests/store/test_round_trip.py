"""What OTLP knows of a span goes through both encodings and the store, and comes out as it was."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier.store import logs, logs_proto, otlp_json, otlp_proto
from otelier.store.reading import Reader
from otelier.store.writer import Writer

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


# What the store takes apart, and what it could mistake for its own marks.
_NAMES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.operation.name",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.cost",
    "gen_ai.response.id",
    "gen_ai.response.finish_reasons",
    "otelier.tags",
)
_MESSAGES = (
    json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi " * 150}]}] * 3),
    json.dumps([{"role": "user", "parts": []}, {"role": "assistant", "parts": []}], indent=2),
    [{"role": "user", "parts": [{"type": "text", "content": "hi " * 150}]}],
    "[",
    {"text": 1},
    {"history": 1, "join": ","},
    {"messages": 1},
    {"bytesValue": ""},
    {"kvlistValue": {"doubleValue": "NaN"}},
)


@pytest.mark.parametrize("seed", range(10))
def test_the_store(seed: int, tmp_path: Path) -> None:
    random = Random(seed)

    def more() -> dict[str, Any]:
        picked = random.sample(_NAMES, 4)
        odd = {name: random.choice((*_MESSAGES, chance.value(random))) for name in picked}
        return {**chance.attributes(random), **odd}

    spans = [replace(span, attributes=more()) for span in chance.several(random, chance.span)]
    found = [
        replace(log, name=f"gen_ai.{log.name}", attributes=more())
        for log in chance.several(random, chance.log)
    ]
    writer = Writer(tmp_path / "traces.db")
    assert writer.write(spans, found) == len(spans) + len(found)
    # What was exported comes again, by both ways.
    assert writer.write(list(otlp_json.decode(otlp_json.line(spans)))) == 0
    assert writer.write((), logs_proto.decode(logs_proto.encode(found))) == 0
    writer.close()
    with closing(sqlite3.connect(writer.path)) as connection:
        reader = Reader(connection)
        read = reader.after(0, 1000)
        assert repr([span for _, span in read]) == repr(spans)
        events = reader.events_after(0, 1000)
        assert repr([log for _, log in events]) == repr(found)
        assert repr(reader.events_after(events[-2][0], 10)) == repr(events[-1:])


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
