"""A program whose telemetry nobody takes ends at once, and says so in one line."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otelier import guard, unheard

SRC = str(Path(__file__).parents[2] / "src")
VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def closed() -> Iterator[str]:
    """Host and port where nobody listens, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    guard.reset()
    yield
    unheard._watched = ()
    unheard._over.clear()
    guard.reset()


def traces(exporter: Any) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
    return provider


def over_http(place: str) -> tuple[Any, Callable[[], Any]]:
    provider = traces(OTLPSpanExporter(endpoint=f"http://{place}/v1/traces"))
    return provider, lambda: provider.get_tracer("x").start_span("x").end()


def over_grpc(place: str) -> tuple[Any, Callable[[], Any]]:
    provider = traces(OverGrpc(endpoint=place, insecure=True))
    return provider, lambda: provider.get_tracer("x").start_span("x").end()


def of_metrics(place: str) -> tuple[Any, Callable[[], Any]]:
    exporter = OTLPMetricExporter(endpoint=f"http://{place}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    return provider, lambda: provider.get_meter("x").create_counter("x").add(1)


def of_logs(place: str) -> tuple[Any, Callable[[], Any]]:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(
            OTLPLogExporter(endpoint=f"http://{place}/v1/logs"), schedule_delay_millis=3_600_000
        )
    )
    return provider, lambda: None


@pytest.mark.parametrize("forked", [False, True])
@pytest.mark.parametrize("make", [over_http, over_grpc, of_metrics, of_logs])
def test_nobody_is_waited_for(
    forked: bool,
    make: Any,
    closed: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(atexit, "register", lambda *args: None)
    if forked:
        monkeypatch.setattr(os, "getpid", lambda: 0)
    provider, record = make(closed)
    unheard.watch(provider)
    monkeypatch.undo()
    record()
    with caplog.at_level(logging.WARNING):
        unheard.give_up()
        provider.shutdown()
    # Old versions go on from attempt to attempt, without a wait between.
    assert unheard._over.is_set()
    told = [each.getMessage() for each in caplog.records if each.name == "otelier"]
    assert len(told) == 1 and f"nothing listens at {closed}" in told[0]
    assert not guard.failures()


@pytest.mark.parametrize("make", [over_http, over_grpc, of_metrics, of_logs])
def test_who_listens_is_waited_for(
    make: Any, listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, _ = make(listening)
    monkeypatch.setattr(unheard, "_watched", (provider,))
    unheard.give_up()
    assert not unheard._over.is_set()
    assert not any(
        getattr(each, name).is_set()
        for each in unheard.exporters((provider,))
        for name in unheard._EVENTS
        if hasattr(each, name)
    )
    assert not guard.failures()


@pytest.mark.parametrize("endpoint", [None, 4, "", "http://collector:4318", "http://[::1", "x:y"])
def test_other_machines_are_waited_for(endpoint: Any) -> None:
    try:
        assert unheard._place(endpoint) is None
    except ValueError:
        pass  # Guarded by the caller.


def test_an_endpoint_that_was_chosen_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[Any] = []
    monkeypatch.setattr(atexit, "register", lambda *args: registered.append(args))
    for name in (VARIABLE, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_CONFIG_FILE"):
        with monkeypatch.context() as set_:
            set_.setenv(name, "http://localhost:4318")
            unheard.watch()
    assert not registered
    unheard.watch()
    assert len(registered) == 1


PROGRAM = """
import otelier
otelier.instrument()
from opentelemetry import metrics, trace
with trace.get_tracer("app").start_as_current_span("hello"):
    metrics.get_meter("app").create_counter("c").add(1)
"""


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_first_try_without_a_backend_is_one_line(protocol: str, tmp_path: Path) -> None:
    port = 4317 if protocol == "grpc" else 4318
    if not unheard._refuses(("localhost", port)):
        pytest.skip("somebody listens at the default endpoint here")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": SRC,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            # Waiting would be as long as the test run.
            "OTEL_EXPORTER_OTLP_TIMEOUT": "100000",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert f"nothing listens at localhost:{port}" in line


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
def test_a_program_that_is_terminated_waits_for_nobody_either(tmp_path: Path) -> None:
    if not unheard._refuses(("localhost", 4318)):
        pytest.skip("somebody listens at the default endpoint here")
    program = PROGRAM + "import os, signal; os.kill(os.getpid(), signal.SIGTERM); signal.pause()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SRC},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGTERM
    (line,) = done.stderr.splitlines()
    assert "nothing listens at localhost:4318" in line


@pytest.mark.parametrize("instrumented", ["otelier.instrument(); ", ""])
def test_who_wants_no_telemetry_is_told_nothing(tmp_path: Path, instrumented: str) -> None:
    """``OTEL_SDK_DISABLED`` of a test run, say: nothing is lost, and nothing is missing."""
    program = f"import otelier; {instrumented}otelier.record_evaluation('helpful', score=1)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SRC, "OTEL_SDK_DISABLED": "true"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
