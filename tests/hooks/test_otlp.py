"""What OTLP exporters send at once: by size, over HTTP and gRPC, whoever made the processor."""

from __future__ import annotations

import gzip
import inspect
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import _log_exporter, trace_exporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult

import otelier
from otelier import batches, guard, sdk_setup, semconv

MIB = 1 << 20


class Receiver:
    """Takes OTLP over HTTP in requests of at most ``most`` bytes."""

    def __init__(self, most: int, status: int = 413) -> None:
        self.names: list[str] = []
        self.attributes: list[dict[str, str]] = []
        self.logs: list[Any] = []
        self.taken: list[int] = []
        self.refused: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if len(body) > most:
                    receiver.refused.append(len(body))
                    self.send_response(status)
                else:
                    receiver.take(self.path, body)
                    self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, path: str, body: bytes) -> None:
        self.taken.append(len(body))
        if path.endswith("logs"):
            logs = ExportLogsServiceRequest.FromString(body)
            self.logs += [
                r for e in logs.resource_logs for s in e.scope_logs for r in s.log_records
            ]
            return
        for span in _spans(ExportTraceServiceRequest.FromString(body)):
            self.names.append(span.name)
            self.attributes.append({a.key: a.value.string_value for a in span.attributes})


def _spans(request: ExportTraceServiceRequest) -> Sequence[Any]:
    return [
        s for every in request.resource_spans for scope in every.scope_spans for s in scope.spans
    ]


@pytest.fixture
def receiving() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(most: int = 4 * MIB, **options: Any) -> Receiver:
        made.append(Receiver(most, **options))
        return made[-1]

    yield make
    for each in made:
        each.server.shutdown()
        each.server.server_close()


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    guard.reset()
    yield
    assert not guard.failures(), guard.failures()


def traced(exporter: Any, **options: Any) -> TracerProvider:
    """A provider with a batch processor of the program's own, and otelier on it."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    otelier.instrument(tracer_provider=provider, configure_sdk=False, **options)
    return provider


def emit(provider: TracerProvider, sizes: Sequence[int], letter: str = "x") -> list[str]:
    tracer = provider.get_tracer("app", attributes={"team": "blue"})
    names = []
    for number, size in enumerate(sizes):
        names.append(f"request {number}")
        tracer.start_span(names[-1], attributes={"body": letter * size}).end()
    return names


def over_http(receiver: Receiver, **options: Any) -> Any:
    return trace_exporter.OTLPSpanExporter(endpoint=f"{receiver.url}/v1/traces", **options)


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_a_batch_that_is_too_large_is_sent_in_parts(
    receiving: Callable[..., Receiver], letter: str
) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver))
    names = emit(provider, [250_000] * 24, letter)
    provider.shutdown()
    assert receiver.names == names
    assert not receiver.refused
    # In few parts: sizes are bounds, but close ones.
    needed = 24 * 250_000 * len(letter.encode()) / (4 * MIB)
    assert len(receiver.taken) <= needed * 1.2 + 1


def test_a_batch_that_fits_is_sent_as_it_is(receiving: Callable[..., Receiver]) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver))
    emit(provider, [1000] * 100)
    provider.shutdown()
    assert len(receiver.taken) == 1


def test_of_one_span_that_is_too_large_content_gives_way(
    receiving: Callable[..., Receiver],
) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver))
    messages = [{"role": "user", "parts": [{"type": "text", "content": str(n) * 300_000}]}
                for n in range(20)]  # fmt: skip
    tracer = provider.get_tracer("app")
    tracer.start_span("before").end()
    tracer.start_span(
        "chat m",
        attributes={
            semconv.INPUT_MESSAGES: json.dumps(messages),
            semconv.TOOL_CALL_ARGUMENTS: json.dumps({"text": "y" * 200_000, "id": 7}),
            semconv.REQUEST_MODEL: "m",
            "log": "plain words " * 10_000,
        },
    ).end()
    tracer.start_span("after").end()
    provider.shutdown()
    assert receiver.names == ["before", "chat m", "after"]
    assert not receiver.refused
    chat = receiver.attributes[1]
    kept = json.loads(chat[semconv.INPUT_MESSAGES])
    assert kept[0] == messages[0]
    assert kept[-1] == messages[-1]
    assert len(kept) < 20
    assert chat[semconv.REQUEST_MODEL] == "m"
    assert semconv.CONTENT_TRUNCATED in chat
    # Only what had to go went.
    assert json.loads(chat[semconv.TOOL_CALL_ARGUMENTS]) == {"text": "y" * 200_000, "id": 7}
    assert max(receiver.taken) > 3 * MIB


@pytest.mark.parametrize(
    "attributes",
    [
        {"input.value": "word " * 2_000_000},
        {"a": "x" * 2_000_000, "b": "y" * 2_000_000, "c": "z" * 2_000_000},
        {"broken": '{"no": "json' + "x" * 5_000_000},
        {"many": ["t" * 1000] * 5000},
        {"deep": json.dumps({"a": [{"b": "c" * 5_000_000}]})},
    ],
    ids=["text", "several", "broken", "list", "deep"],
)
def test_what_others_wrote_gives_way_too(
    receiving: Callable[..., Receiver], attributes: dict[str, Any]
) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver))
    span = provider.get_tracer("app").start_span("big", attributes=attributes)
    span.set_attribute("kept", "yes")
    span.end()
    provider.shutdown()
    assert receiver.names == ["big"]
    assert receiver.attributes[0]["kept"] == "yes"


def test_events_and_links_give_way_where_attributes_are_not_enough(
    receiving: Callable[..., Receiver],
) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver))
    span = provider.get_tracer("app").start_span("eventful", attributes={"kept": "yes"})
    for _ in range(5):
        span.add_event("chunk", {"text": "x" * MIB})
    span.end()
    provider.shutdown()
    assert receiver.names == ["eventful"]
    assert receiver.attributes[0]["kept"] == "yes"


def test_what_a_receiver_takes_is_learned_from_its_refusals(
    receiving: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    receiver = receiving(MIB)
    provider = traced(over_http(receiver))
    names = emit(provider, [150_000] * 30)
    provider.force_flush()
    assert receiver.names == names
    refusals = len(receiver.refused)
    assert 1 <= refusals <= 3
    emit(provider, [150_000] * 30)
    provider.shutdown()
    assert len(receiver.names) == 60
    assert len(receiver.refused) == refusals
    told = [r.getMessage() for r in caplog.records if r.name == "otelier"]
    assert len(told) == 1
    assert "refuses requests of" in told[0]
    assert "OTELIER_EXPORT_BYTES" in told[0]


def test_a_receiver_that_takes_nothing_ends_the_attempts(
    receiving: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    receiver = receiving(0)
    provider = traced(over_http(receiver))
    emit(provider, [3 * MIB] * 4)
    provider.shutdown()
    assert not receiver.names
    assert len(receiver.refused) <= 10
    told = [r.getMessage() for r in caplog.records if r.name == "otelier"]
    assert sum("is lost" in line for line in told) == 1


def test_another_failure_ends_a_batch_as_it_did(receiving: Callable[..., Receiver]) -> None:
    receiver = receiving(0, status=400)
    provider = traced(over_http(receiver))
    emit(provider, [3 * MIB] * 4)
    provider.shutdown()
    assert len(receiver.refused) == 1


def test_off_leaves_batches_alone(receiving: Callable[..., Receiver]) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver), export_bytes="off")
    emit(provider, [3 * MIB] * 2)
    provider.shutdown()
    assert len(receiver.refused) == 1


def test_uninstrument_restores_the_exporter(receiving: Callable[..., Receiver]) -> None:
    before = trace_exporter.OTLPSpanExporter.__dict__["export"]
    otelier.instrument(tracer_provider=TracerProvider(), configure_sdk=False)
    assert trace_exporter.OTLPSpanExporter.__dict__["export"] is not before
    otelier.uninstrument()
    assert trace_exporter.OTLPSpanExporter.__dict__["export"] is before


def test_a_processor_that_sends_each_span_alone(receiving: Callable[..., Receiver]) -> None:
    receiver = receiving()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(over_http(receiver)))
    otelier.instrument(tracer_provider=provider, configure_sdk=False)
    emit(provider, [5 * MIB, 10])
    assert receiver.names == ["request 0", "request 1"]


def test_compressed_requests_count_as_they_are_read(receiving: Callable[..., Receiver]) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver, compression=trace_exporter.Compression.Gzip))
    names = emit(provider, [MIB] * 8)
    provider.shutdown()
    assert receiver.names == names


class Service(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.names: list[str] = []

    def Export(self, request: Any, context: Any) -> Any:
        self.names += [span.name for span in _spans(request)]
        return ExportTraceServiceResponse()


def serve(most: int | None) -> tuple[Service, Any, str]:
    options = [] if most is None else [("grpc.max_receive_message_length", most)]
    server = grpc.server(ThreadPoolExecutor(2), options=options)
    service = Service()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return service, server, f"http://127.0.0.1:{port}"


def test_grpc_with_its_own_limit() -> None:
    service, server, url = serve(None)
    provider = traced(GrpcExporter(endpoint=url, insecure=True))
    names = emit(provider, [MIB] * 8)
    provider.shutdown()
    server.stop(None)
    assert service.names == names


def test_grpc_with_a_lower_limit_is_learned(caplog: pytest.LogCaptureFixture) -> None:
    if "retryable_error_codes" not in inspect.signature(GrpcExporter).parameters:
        pytest.skip("this exporter does not tell why it was refused")
    service, server, url = serve(MIB)
    # Else the exporter repeats what is refused until its time is over.
    final = {"retryable_error_codes": [grpc.StatusCode.UNAVAILABLE]}
    provider = traced(GrpcExporter(endpoint=url, insecure=True, **final))
    names = emit(provider, [150_000] * 20)
    provider.shutdown()
    server.stop(None)
    assert service.names == names
    assert any("refuses requests of" in r.getMessage() for r in caplog.records)


def test_log_records_are_bounded_as_well(receiving: Callable[..., Receiver]) -> None:
    receiver = receiving()
    exporter = _log_exporter.OTLPLogExporter(endpoint=f"{receiver.url}/v1/logs")
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    otelier.instrument(
        tracer_provider=TracerProvider(), logger_provider=provider, configure_sdk=False
    )
    logger = logging.Logger("app")
    from opentelemetry.sdk._logs import LoggingHandler

    logger.addHandler(LoggingHandler(logger_provider=provider))
    for number in range(10):
        logger.warning("%d %s", number, "x" * MIB)
    logger.warning("large", extra={"payload": "y" * (6 * MIB), "kept": "yes"})
    provider.shutdown()
    assert len(receiver.logs) == 11
    assert not receiver.refused
    kept = {a.key: a.value.string_value for a in receiver.logs[-1].attributes}
    assert kept["kept"] == "yes"


def test_sizes_are_upper_bounds_of_what_is_encoded() -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "é" * 200}))
    tracer = provider.get_tracer("app", "1.0", "https://example.com/schema", {"k": "v" * 100})
    spans = []
    for attributes in (
        {},
        {"n": 1, "f": 0.5, "b": True},
        {"text": "é€😀" * 3000},
        {f"k{n}": "" for n in range(100)},
        {"list": ["a", "bb"] * 500, "ints": [1, 2**62] * 300, "bools": [True] * 300},
    ):
        span = tracer.start_span("näme", attributes=attributes)
        span.add_event("event", attributes)
        span.add_link(span.get_span_context(), attributes)
        span.end()
        spans.append(span)
    for batch in ([span] for span in spans):
        bound = batches.of_span(batch[0]) + batches.of_head(batch[0])
        exact = encode_spans(batch).ByteSize()
        assert exact <= bound <= exact * 6 + 2000
    ((whole, size),) = batches.split(spans, batches.of_span, 1 << 40)
    assert encode_spans(whole).ByteSize() <= size


def test_a_failure_of_ours_sends_the_batch_whole(
    receiving: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = receiving()
    provider = traced(over_http(receiver))
    monkeypatch.setattr(batches, "split", lambda *given: 1 / 0)
    names = emit(provider, [100] * 3)
    provider.shutdown()
    assert receiver.names == names
    assert guard.failures() == {"otlp.split": 1}
    guard.reset()


def test_the_exporter_itself_gets_and_gives_what_it_did(
    receiving: Callable[..., Receiver],
) -> None:
    receiver = receiving()
    exporter = over_http(receiver)
    provider = traced(exporter)
    emit(provider, [10])
    provider.force_flush()
    assert exporter.export([]) is SpanExportResult.SUCCESS
    provider.shutdown()
    assert exporter.export([]) is SpanExportResult.FAILURE


def test_a_quota_that_is_used_up_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        record = logging.LogRecord(
            "exporter", logging.ERROR, "", 0, "Failed: %s, %s",
            (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota"), None,
        )  # fmt: skip
        assert not sdk_setup._told_once(record)
    told = [r.getMessage() for r in caplog.records if r.name == "otelier"]
    assert len(told) == 1
    assert "RESOURCE_EXHAUSTED" in told[0]
