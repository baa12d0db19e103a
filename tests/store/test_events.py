"""Events in the store: by the SDK's exporter, once each, as the view of evaluations shows them."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, TraceFlags

import otelier
from otelier import guard, pace
from otelier.store import sharing
from otelier.store.exporter import StoreSpanExporter
from otelier.store.log_exporter import StoreLogExporter
from otelier.store.logs import stored_events
from otelier.store.reading import Reader
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.sqlite import SQLite
from otelier.store.writer import Writer
from tests.telemetry import Telemetry

from .made import MOMENT, RESOURCE, SCOPE, SECOND, chat, span, talk


def event(number: int, **more: Any) -> StoredLog:
    """An evaluation, ``number`` seconds after a fixed moment."""
    told: dict[str, Any] = {
        "name": "gen_ai.evaluation.result",
        "time_ns": MOMENT + number * SECOND,
        "observed_ns": MOMENT + number * SECOND + 1,
        "attributes": {"gen_ai.evaluation.name": "good", "gen_ai.evaluation.score.value": 1.0},
        "resource": RESOURCE,
        "scope": SCOPE,
    }
    return StoredLog(**{**told, **more})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


@pytest.fixture
def writer(store: Path) -> Iterator[Writer]:
    made = Writer(store)
    yield made
    made.close()


def read(store: Path) -> list[StoredLog]:
    with closing(sqlite3.connect(store)) as connection:
        return [log for _, log in Reader(connection).events_after(0, 1000)]


def asked(store: Path, sql: str) -> list[dict[str, Any]]:
    with closing(SQLite(store)) as engine:
        return list(engine.ask(sql).dicts())


def test_an_event_that_is_delivered_twice_is_there_once(store: Path, writer: Writer) -> None:
    once = event(1)
    assert writer.write((), [once, once]) == 1
    # Whoever passed it on saw it at another time.
    assert writer.write((), [dataclasses.replace(once, observed_ns=MOMENT * 2)]) == 0
    others = [
        event(2),
        event(1, span_id="ab" * 8),
        event(1, attributes={"gen_ai.evaluation.name": "good", "gen_ai.evaluation.score.value": 1}),
        event(1, body=""),
        event(1, time_ns=0),
        event(1, time_ns=0, observed_ns=MOMENT),
    ]
    assert writer.write((), others) == len(others)
    assert read(store) == [once, *others]


def test_log_lines_of_a_program_are_not_kept(store: Path, writer: Writer) -> None:
    logs = [event(1, name=""), event(2, name="app.started"), event(3, name="gen_ai.other")]
    assert writer.write((), logs) == 1
    assert [log.name for log in read(store)] == ["gen_ai.other"]


def test_long_texts_of_events_are_there_once_as_those_of_spans(store: Path, writer: Writer) -> None:
    said = talk(20)
    structured = {"gen_ai.input.messages": said[:-1], "gen_ai.output.messages": said[-1:]}
    written = [event(1, attributes=structured, body="x" * 1000), event(2, body="x" * 1000)]
    writer.write((), written)
    call = chat(1, said)
    writer.write([call])
    assert read(store) == written
    with closing(sqlite3.connect(store)) as connection:
        # The messages, and the body.
        assert connection.execute("SELECT count(*) FROM text").fetchall() == [(len(said) + 1,)]
        # Who finds a message gets to the span that had it, though an event had it first.
        assert connection.execute("SELECT DISTINCT span FROM history").fetchall() == [(1,)]


def fill(telemetry: Telemetry, store: Path) -> None:
    """Let what a program records go into the store."""
    telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(StoreSpanExporter(store)))
    telemetry.logger_provider.add_log_record_processor(
        SimpleLogRecordProcessor(StoreLogExporter(store))
    )


def test_evaluations_of_a_program_with_the_calls_that_they_judge(
    telemetry: Telemetry, store: Path
) -> None:
    fill(telemetry, store)
    called = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.response.id": "r-1",
        "session.id": "s-1",
        "gen_ai.usage.cost": 0.5,
    }
    with telemetry.tracer.start_as_current_span(
        "chat m", kind=SpanKind.CLIENT, attributes=called
    ) as call:
        otelier.record_evaluation("current", score=0.5, label="good")
    otelier.record_evaluation("named", score=True, explanation="why " * 100, span=call)
    otelier.record_evaluation("answer", label="", response_id="r-1")
    otelier.record_evaluation("nobody's", score=-1, response_id="r-2")
    found = asked(store, "SELECT * FROM otelier.evaluations ORDER BY time")
    rows = {row["evaluation"]: row for row in found}
    assert list(rows) == ["current", "named", "answer", "nobody's"]
    judged = ("call", "response_id", "operation", "model", "session", "cost")
    for name in ("current", "named", "answer"):
        assert [rows[name][column] for column in judged] == [
            "chat m",
            "r-1",
            "chat",
            "m",
            "s-1",
            0.5,
        ]
        assert rows[name]["span_id"] == format(call.get_span_context().span_id, "016x")
        assert rows[name]["seconds"] > 0
    assert [row["score"] for row in rows.values()] == [0.5, 1.0, None, -1.0]
    assert [row["label"] for row in rows.values()] == ["good", "", "", ""]
    assert rows["named"]["explanation"] == "why " * 100
    unknown = rows["nobody's"]
    assert [unknown[column] for column in (*judged, "seconds")] == ["", "", "", "", "", None, None]


def test_the_answer_of_several_calls_is_of_the_last_one_before(store: Path, writer: Writer) -> None:
    """Some servers have but a thousand ids."""

    def call(number: int, operation: str, answer: str) -> StoredSpan:
        attributes = {"gen_ai.operation.name": operation, "gen_ai.response.id": answer}
        return span(number, f"{operation} {number}", kind="CLIENT", attributes=attributes)

    def judged(number: int, answer: str, **more: Any) -> StoredLog:
        return event(number, attributes={"gen_ai.response.id": answer}, **more)

    calls = [call(at, "chat", "again") for at in (10, 20, 30)]
    calls += [call(5, "fetch_response", "again"), call(40, "fetch_response", "fetched")]
    calls += [call(50, "fetch_response", "fetched")]
    named = {"trace_id": calls[0].trace_id, "span_id": calls[0].span_id}
    writer.write(
        calls,
        [
            judged(15, "again"),
            judged(25, "again"),
            judged(99, "again"),
            # By a clock that is late.
            judged(1, "again"),
            judged(60, "fetched"),
            judged(98, "again", **named),
            judged(97, "again", trace_id=named["trace_id"], span_id="ff" * 8),
        ],
    )
    rows = asked(store, "SELECT * FROM otelier.evaluations")
    rows.sort(key=lambda row: row["time"])
    # At 1, 15, 25, 60, 97, 98 and 99.
    assert [row["call"].split()[-1] for row in rows] == ["10", "10", "20", "40", "30", "10", "30"]


def test_old_events_are_forgotten_and_their_texts(store: Path, writer: Writer) -> None:
    hour = 3600
    old = [event(number, body="old " * 100) for number in range(3)]
    new = [event(5 * hour + number, body="new " * 100) for number in range(3)]
    writer.write([], [*old, *new])
    steps = list(writer.prune(MOMENT + 4 * hour * SECOND, None))
    assert sum(step.events for step in steps) == 3
    assert read(store) == new
    assert writer.write([], new) == 0 and writer.write([], old[:1]) == 1
    # By size they go as well, though there are no spans.
    assert sum(step.events for step in writer.prune(None, 1)) == 1
    assert read(store) == new


def test_the_sdk_gives_its_events_soon(telemetry: Telemetry, store: Path) -> None:
    exporter = StoreLogExporter(store)
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    telemetry.stop()
    telemetry.start(logger_provider=provider)
    otelier.record_evaluation("e", score=1)
    assert getattr(exporter, pace.WANTED) == 0.2
    provider.force_flush()
    assert len(read(store)) == 1
    provider.shutdown()
    assert exporter.export([]) is not StoreLogExporter(store).export([])


def test_a_store_that_cannot_be_written_is_one_line(
    telemetry: Telemetry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(telemetry, tmp_path)
    for number in range(3):
        otelier.record_evaluation(f"e {number}", score=1)
    said = [record for record in caplog.records if "cannot write" in record.getMessage()]
    assert len(said) == 1


def test_what_could_not_be_written_is_written_later(
    telemetry: Telemetry, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(telemetry, store)
    otelier.record_evaluation("first", score=1)
    held = sharing.of(store)
    held.writer.seconds = 0.01
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        otelier.record_evaluation("while it is locked", score=1)
        other.execute("ROLLBACK")
    assert len(read(store)) == 1
    otelier.record_evaluation("later", score=1)
    names = [log.attributes["gen_ai.evaluation.name"] for log in read(store)]
    assert names == ["first", "while it is locked", "later"]


def test_events_of_older_sdks_are_named_by_an_attribute() -> None:
    """Records that a program makes itself, by whichever SDK is here."""
    provider = LoggerProvider(Resource({"service.name": "shop"}, "https://example.org/r"))
    seen: list[Any] = []
    provider.add_log_record_processor(SimpleLogRecordProcessor(_Keeping(seen)))
    provider.get_logger("scope", "1", attributes={"a": 1}).emit(
        _logs.LogRecord(
            timestamp=7,
            observed_timestamp=9,
            trace_id=1,
            span_id=2,
            trace_flags=TraceFlags(1),
            severity_text="warn",
            severity_number=_logs.SeverityNumber.WARN,
            body={"said": [b"x", None]},
            attributes={"event.name": "gen_ai.thing"},
        )
    )
    (log,) = stored_events(seen)
    assert log.resource.attributes["service.name"] == "shop"
    assert log.resource.schema_url == "https://example.org/r"
    assert (log.scope.name, log.scope.version, log.scope.attributes) == ("scope", "1", {"a": 1})
    assert (log.name, log.time_ns, log.observed_ns, log.flags) == ("gen_ai.thing", 7, 9, 1)
    assert (log.trace_id, log.span_id) == (f"{1:032x}", f"{2:016x}")
    assert (log.severity, log.severity_text, log.body) == (
        13,
        "warn",
        {"said": [b"x", None]},
    )


def test_odd_records_are_kept_and_take_no_other_with_them(
    store: Path,
) -> None:
    guard.reset()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(StoreLogExporter(store)))
    logger = provider.get_logger("odd")
    odd: list[dict[str, Any]] = [
        {"timestamp": 1.5e18, "observed_timestamp": float("nan")},
        {"timestamp": -5, "observed_timestamp": 2**70, "severity_text": "\ud800"},
        {"trace_id": "none"},
        {"severity_number": 9},
        {"body": object(), "attributes": {"gen_ai.evaluation.score.value": 2**80}},
        {"attributes": {"gen_ai.evaluation.name": {"a": [1]}}},
    ]
    for told in odd:
        given = {"attributes": {}, **told}
        record = _logs.LogRecord(**{name: told[name] for name in given if name != "attributes"})
        record.attributes = {"event.name": "gen_ai.evaluation.result", **given["attributes"]}
        logger.emit(record)
    times = [log.time_ns for log in read(store)]
    # Two of them are of no use.
    assert guard.failures() == {"store.event": 2}
    guard.reset()
    assert times == [1_500_000_000_000_000_000, -5, 0, 0]
    rows = asked(store, "SELECT time, evaluation, score FROM otelier.evaluations ORDER BY time")
    assert len(rows) == 4 and {row["evaluation"] for row in rows} == {"", '{"a":[1]}'}


class _Keeping(StoreLogExporter):
    """Keeps what it is given."""

    def __init__(self, seen: list[Any]) -> None:
        super().__init__(os.devnull)
        self._seen = seen

    def export(self, batch: Sequence[Any]) -> Any:
        self._seen += batch
        return super().export(())
