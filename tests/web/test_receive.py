"""What programs send arrives in the store: exporters of the SDK, and requests by hand."""

from __future__ import annotations

import gzip
import json
import signal
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelier.store import otlp_json, otlp_proto
from otelier.store.opening import opened
from otelier.store.spans import StoredSpan
from tests.store.spans import everything, provider

from .receiving import JSON, PROTOBUF, Running, bringing, receiving

SPANS = everything()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests that only send: each looks for spans of its own."""
    with receiving(tmp_path_factory.mktemp("store") / "traces.db") as running:
        yield running
        assert running.end() == (0, "")


def made(*names: str) -> Sequence[ReadableSpan]:
    """Spans of the SDK with these names."""
    memory = InMemorySpanExporter()
    tracer = provider(memory).get_tracer("test")
    for name in names:
        tracer.start_span(name).end()
    return memory.get_finished_spans()


def exporter(url: str, compression: Compression = Compression.NoCompression) -> OTLPSpanExporter:
    return OTLPSpanExporter(f"{url}/v1/traces", compression=compression)


@pytest.mark.parametrize("compression", list(Compression), ids=lambda one: one.value)
def test_the_sdks_exporter_sends_here(server: Running, compression: Compression) -> None:
    names = [f"{compression.value} {number}" for number in range(3)]
    assert exporter(server.url, compression).export(made(*names)) is SpanExportResult.SUCCESS
    assert [name for name in server.spans() if name in names] == names


def test_all_that_a_span_can_have_arrives(tmp_path: Path) -> None:
    with receiving(tmp_path / "traces.db") as server:
        assert exporter(server.url).export(SPANS) is SpanExportResult.SUCCESS
        sent = otlp_proto.decode(encode_spans(SPANS).SerializeToString())
        engine = opened(str(server.store))
        found = [span for trace in {span.trace_id for span in sent} for span in engine.trace(trace)]
        engine.close()
        # As JSON: what is no number is not equal to itself.
        assert otlp_json.line(sorted(found, key=by_id)) == otlp_json.line(sorted(sent, key=by_id))


def by_id(span: StoredSpan) -> str:
    return span.trace_id + span.span_id


def test_what_is_sent_twice_is_there_once(server: Running) -> None:
    spans = made("sent twice")
    for _ in range(2):
        assert exporter(server.url).export(spans) is SpanExportResult.SUCCESS
    assert server.spans().count("sent twice") == 1


def test_json_by_hand(server: Running) -> None:
    answer = server.post("/v1/traces", bringing("by hand", trace=2, question="why?"))
    assert (answer.status, answer.json) == (200, {})
    assert answer.headers["content-type"] == "application/json"
    assert "by hand" in server.spans()


def test_json_of_a_program_in_javascript(server: Running) -> None:
    """As the JavaScript SDK's exporter writes it: numbers as numbers, a charset, an empty state."""
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "in javascript",
        "kind": 1,
        "traceState": "",
        "droppedLinksCount": 0,
        "startTimeUnixNano": "1795900000000000000",
        "endTimeUnixNano": "1795900000100000000",
        "attributes": [{"key": "http.status", "value": {"intValue": 200}}],
        "status": {"code": 0},
        "events": [],
        "links": [],
        "flags": 257,
    }
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": [], "droppedAttributesCount": 0},
                "scopeSpans": [{"scope": {"name": "js", "version": ""}, "spans": [span]}],
            }
        ]
    }
    kind = {"Content-Type": "application/json; charset=utf-8"}
    assert server.post("/v1/traces", body, kind).status == 200
    assert "in javascript" in server.spans()


def raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(body) + deflater.flush()


def in_members(body: bytes) -> bytes:
    return gzip.compress(body[:40]) + gzip.compress(body[40:]) + bytes(16)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", bytes),
        ("GZIP", gzip.compress),
        ("gzip", in_members),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
    ids=["identity", "gzip", "members", "deflate", "raw"],
)
def test_packed_bodies(
    server: Running,
    encoding: str,
    packed: Callable[[bytes], bytes],
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.name
    body = packed(json.dumps(bringing(name, trace=zlib.crc32(name.encode()))).encode())
    answer = server.post("/v1/traces", body, {**JSON, "Content-Encoding": encoding})
    assert answer.status == 200, answer
    assert name in server.spans()


def test_a_message_of_ten_megabytes(server: Running) -> None:
    text = "ä" * 5_000_000
    body = json.dumps(bringing("large", trace=3, text=text), ensure_ascii=False).encode()
    assert len(body) > 10_000_000
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert server.post("/v1/traces", gzip.compress(body, 1), headers).status == 200
    assert "large" in server.spans()


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans": []}', b'{"somethingElse": 1}'])
def test_nothing_in_it_is_no_failure(server: Running, body: bytes) -> None:
    answer = server.post("/v1/traces", body)
    assert (answer.status, answer.json) == (200, {})
    assert server.post("/v1/traces", b"", PROTOBUF).status == 200


def test_spans_without_ids_are_counted_as_rejected(server: Running) -> None:
    body = bringing("with ids", "without", "of zeros", trace=4)
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    del spans[1]["spanId"]
    spans[2]["traceId"] = "0" * 32
    said = server.post("/v1/traces", body).json["partialSuccess"]
    assert said["rejectedSpans"] == "2" and "trace id" in said["errorMessage"]
    assert "with ids" in server.spans() and "without" not in server.spans()


def test_answers_are_of_the_requests_type(server: Running) -> None:
    message = encode_spans(made("first", "second"))
    message.resource_spans[0].scope_spans[0].spans[1].span_id = b"short"
    answer = server.post("/v1/traces", message.SerializeToString(), PROTOBUF)
    assert answer.headers["content-type"] == "application/x-protobuf"
    said = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert said.rejected_spans == 1 and "span id" in said.error_message


def test_metrics_are_not_kept_and_it_is_said(server: Running) -> None:
    point = {"asInt": "1"}
    metrics = [
        {"name": "n", "sum": {"dataPoints": [point] * 2}},
        {"gauge": {"dataPoints": [point]}},
    ]
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}
    answer = server.post("/v1/metrics", body)
    assert answer.status == 200
    said = answer.json["partialSuccess"]
    assert said == {"rejectedDataPoints": "3", "errorMessage": "metrics are not kept here"}


def test_the_sdks_metrics_exporter_goes_on(server: Running) -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{server.url}/v1/metrics"))
    metrics = MeterProvider([reader])
    metrics.get_meter("test").create_counter("n").add(1)
    assert metrics.force_flush()
    metrics.shutdown()


def test_eight_clients_at_once(tmp_path: Path) -> None:
    names = [f"client {client} span {number}" for client in range(8) for number in range(100)]

    def client(number: int) -> None:
        mine = exporter(server.url, Compression.Gzip)
        own = names[number * 100 : number * 100 + 100]
        for at in range(0, 100, 20):
            assert mine.export(made(*own[at : at + 20])) is SpanExportResult.SUCCESS

    with receiving(tmp_path / "traces.db") as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(client, range(8)))
        assert server.spans() == sorted(names)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_when_what_was_begun_is_stored(tmp_path: Path, number: int) -> None:
    with receiving(tmp_path / "traces.db") as server:
        assert server.post("/v1/traces", bringing("kept")).status == 200
        assert server.end(number) == (0, "")
        assert server.spans() == ["kept"]
        # Nothing is left beside the file.
        assert [path.name for path in tmp_path.iterdir()] == ["traces.db"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """Every span whose request got 200 is there, once; the file is whole."""
    stored: list[str] = []

    def client(number: int) -> None:
        at = 0
        while True:
            at += 1
            names = [f"{number}-{at}-{part}" for part in range(3)]
            try:
                answer = server.post("/v1/traces", bringing(*names, trace=number * 10**6 + at))
            except (OSError, HTTPException):
                return
            if answer.status == 200:
                stored.extend(names)
            if len(stored) > 600:
                server.process.kill()

    with receiving(tmp_path / "traces.db") as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(client, range(1, 9)))
        found = server.spans()
        assert set(stored) <= set(found) and len(found) == len(set(found))
        with closing(sqlite3.connect(server.store)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_is_old_is_forgotten_as_others_come(tmp_path: Path) -> None:
    """What the settings say of every program that writes the store."""
    with receiving(tmp_path / "traces.db", OTELIER_STORE_KEEP="1d") as server:
        old = bringing("old", trace=1)
        old["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"] = "1"
        assert server.post("/v1/traces", old).status == 200
        number = 1
        while "old" in server.spans():
            number += 1
            assert exporter(server.url).export(made(f"new {number}")) is SpanExportResult.SUCCESS
            assert number < 200
        assert server.end() == (0, "")


def records(*names: str, as_attribute: bool = False) -> dict[str, object]:
    """An ExportLogsServiceRequest by hand, with a record for each name; "" for one without."""
    found = []
    for name in names:
        record: dict[str, object] = {
            "timeUnixNano": "1795900000000000000",
            "body": {"stringValue": "what happened"},
            "traceId": f"{9:032x}",
            "spanId": f"{9:016x}",
        }
        if name and as_attribute:
            record["attributes"] = [{"key": "event.name", "value": {"stringValue": name}}]
        elif name:
            record["eventName"] = name
        found.append(record)
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": found}]}]}


def events(server: Running) -> list[str]:
    with closing(sqlite3.connect(server.store)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM event ORDER BY id")]


def test_events_of_genai_are_kept_and_other_logs_are_not(tmp_path: Path) -> None:
    with receiving(tmp_path / "traces.db") as server:
        body = records("gen_ai.evaluation.result", "", "exception", "gen_ai.client.other")
        answer = server.post("/v1/logs", body)
        assert answer.status == 200
        assert answer.json["partialSuccess"]["rejectedLogRecords"] == "2"
        assert "gen_ai.*" in answer.json["partialSuccess"]["errorMessage"]
        for _ in range(2):
            assert server.post("/v1/logs", records("gen_ai.choice", as_attribute=True)).json == {}
        assert events(server) == [
            "gen_ai.evaluation.result",
            "gen_ai.client.other",
            "gen_ai.choice",
        ]


def test_the_sdks_exporter_sends_events_here(tmp_path: Path) -> None:
    """What ``record_evaluation`` makes."""
    with receiving(tmp_path / "traces.db") as server:
        logs = LoggerProvider()
        logs.add_log_record_processor(
            SimpleLogRecordProcessor(OTLPLogExporter(f"{server.url}/v1/logs"))
        )
        logger = logs.get_logger("test")
        for name in ("gen_ai.evaluation.result", "something.else"):
            logger.emit(LogRecord(event_name=name, attributes={"gen_ai.evaluation.name": "tone"}))
        logs.shutdown()  # type: ignore[no-untyped-call]
        assert events(server) == ["gen_ai.evaluation.result"]
