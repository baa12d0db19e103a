"""Spans at a steady rate through the SDK's batch processor and OTLP, to a receiver that counts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import process_time, thread_time
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import otelier
from benchmarks import payloads
from otelier import semconv as s

ROOT: Final = Path(__file__).resolve().parents[2]
ARGUMENTS: Final = {"city": "Oslo", "days": 3}
# What a tool gives back: a page of text.
RESULT: Final = payloads.prose(1000)
TICK: Final = 0.02

# --- the receiver, a process of its own ---------------------------------------------------------


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    spans = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                _Receiver.spans += len(scope.spans)
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(str(_Receiver.spans).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


def receive() -> None:
    """Take spans until the process is ended, and say where."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def receiver() -> Iterator[str]:
    """A receiver's address."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def received(address: str) -> int:
    """How many spans came."""
    import urllib.request

    with urllib.request.urlopen(address) as answer:
        return int(answer.read())


# --- what makes spans ---------------------------------------------------------------------------


def _by_hand(provider: Any) -> Callable[[], None]:
    tracer = provider.get_tracer("floor")
    encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

    def step() -> None:
        attributes = {
            s.OPERATION_NAME: "execute_tool",
            s.TOOL_NAME: "look_up",
            s.TOOL_TYPE: "function",
        }
        with tracer.start_as_current_span("execute_tool look_up", attributes=attributes) as span:
            span.set_attributes(
                {s.TOOL_CALL_ARGUMENTS: encode(ARGUMENTS), s.TOOL_CALL_RESULT: encode(RESULT)}
            )

    return step


def _by_otelier(provider: Any) -> Callable[[], None]:
    otelier.instrument(tracer_provider=provider, meter_provider=NoOpMeterProvider())

    def step() -> None:
        with otelier.tool("look_up", arguments=ARGUMENTS) as tool:
            tool.set_result(RESULT)

    return step


MADE: Final = {"floor": _by_hand, "otelier": _by_otelier}


def measure(variant: str, rate: int, seconds: int) -> dict[str, float]:
    """Tool steps at a rate: microseconds of CPU for each, what was lost, how full the queue was."""
    with receiver() as address:
        provider = TracerProvider()
        processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{address}/v1/traces"))
        provider.add_span_processor(processor)
        step = MADE[variant](provider)
        queue = processor._batch_processor._queue
        most = made = 0
        began, cpu, own = time.perf_counter(), process_time(), thread_time()
        while (passed := time.perf_counter() - began) < seconds:
            for _ in range(int(passed * rate) - made):
                step()
                made += 1
            most = max(most, len(queue))
            time.sleep(TICK)
        took = time.perf_counter() - began
        spent, own = process_time() - cpu, thread_time() - own
        provider.force_flush()
        lost = made - received(address)
        provider.shutdown()
    return {
        "rate": made / took,
        "making": own / made * 1e6,
        "exporting": (spent - own) / made * 1e6,
        "lost": lost,
        "queue": most,
    }


if __name__ == "__main__":
    receive()
