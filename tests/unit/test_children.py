"""What a forked child process finished is flushed when it leaves by ``os._exit``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

_HELD = """
import importlib, sys
import otelier
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanProcessor

class Sums(MeterProvider):  # A child has its parent's, too: they are not sent again.
    def force_flush(self, timeout_millis=0):
        print("metrics", file=sys.__stdout__, flush=True)

class Held(SpanProcessor):  # As a batch processor: exports when flushed.
    names = []
    def on_end(self, span):
        self.names.append(span.name)
    def force_flush(self, timeout_millis=0):
        {hang}
        print(*self.names, file=sys.__stdout__, flush=True)
"""
_PROGRAM = (
    _HELD
    + """

def work():
    with otelier.tool("count"):
        pass

otelier.instrument(meter_provider=Sums())
trace.get_tracer_provider().add_span_processor(Held())
if {stop}:
    otelier.uninstrument()
module = importlib.import_module(sys.argv[1])
process = module.get_context("fork").Process(target=work)
process.start()
process.join()
print("left", process.exitcode, flush=True)
"""
)
_TASKS = (
    _HELD
    + """
from celery import Celery

folder = "{folder}"
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {{"data_folder_in": folder, "data_folder_out": folder}}

@app.task
def work():
    with otelier.tool("count"):
        pass

otelier.instrument(meter_provider=Sums())
trace.get_tracer_provider().add_span_processor(Held())
"""
)
_QUIET = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


def run(library: str, hang: str = "pass", stop: bool = False) -> str:
    """What the program prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM.format(hang=hang, stop=stop), library],
        env={**os.environ, **_QUIET},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("library", ["multiprocessing", "billiard"])
def test_a_child_flushes_before_it_leaves(library: str) -> None:
    pytest.importorskip(library)
    assert run(library).splitlines() == ["execute_tool count", "left 0"]


def test_a_backend_that_hangs_does_not_keep_the_child() -> None:
    hang = "import threading; threading.Event().wait()"
    assert run("multiprocessing", hang).splitlines() == ["left 0"]


def test_nothing_is_flushed_after_uninstrument() -> None:
    assert run("multiprocessing", stop=True).splitlines() == ["left 0"]


def test_children_of_celery_flush_when_the_worker_ends(tmp_path: Path) -> None:
    pytest.importorskip("celery")
    (tmp_path / "tasks.py").write_text(_TASKS.format(hang="pass", folder=tmp_path))
    log = tmp_path / "log"
    celery = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tasks"]
    env = {**os.environ, **_QUIET, "C_FORCE_ROOT": "1"}
    with log.open("w") as out:
        worker = subprocess.Popen(
            [*celery, "worker", "-c", "1", "-l", "info"],
            cwd=tmp_path,
            env=env,
            stdout=out,
            stderr=out,
        )
        try:
            sent = [*celery, "call", "tasks.work"]
            subprocess.run(sent, cwd=tmp_path, env=env, capture_output=True, check=True)
            end = time.monotonic() + 60
            while " succeeded in " not in log.read_text() and time.monotonic() < end:
                assert worker.poll() is None, log.read_text()
                time.sleep(0.05)
            assert "execute_tool count" not in log.read_text()
            worker.terminate()
            assert worker.wait(60) == 0
        finally:
            worker.kill()
    assert "execute_tool count" in log.read_text().splitlines()
