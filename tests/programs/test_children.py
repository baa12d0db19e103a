"""What a forked child process finished is flushed when it leaves by ``os._exit``."""

from __future__ import annotations

import contextlib
import os
import signal
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

def start():
    otelier.instrument(meter_provider=Sums())
    trace.get_tracer_provider().add_span_processor(Held())

def work(late=False):
    if late:
        start()
    with otelier.tool("count"):
        pass
    if {stop}:
        otelier.uninstrument()

if __name__ == "__main__":
    library, method = sys.argv[1:]
    if method != "late":
        start()
    module = importlib.import_module(library)
    context = module.get_context("fork" if method in ("late", "pool") else method)
    if method == "pool":
        pool = context.Pool(1)
        pool.apply(work)
        pool.close()
        pool.join()
    else:
        process = context.Process(target=work, args=(method == "late",))
        process.start()
        process.join()
    print("left", flush=True)
else:
    start()  # A child of a fork server reads the program again.
"""
)
_TASKS = (
    _HELD
    + """
from celery import Celery

folder = "{folder}"
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = dict.fromkeys(
    ("data_folder_in", "data_folder_out", "control_folder"), folder
)

@app.task
def work():
    with otelier.tool("count"):
        pass

otelier.instrument(meter_provider=Sums())
trace.get_tracer_provider().add_span_processor(Held())
"""
)
_QUIET = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


def run(here: Path, library: str, method: str, hang: str = "pass", stop: bool = False) -> list[str]:
    """The lines that the program prints."""
    program = here / "program.py"
    program.write_text(_PROGRAM.format(hang=hang, stop=stop))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", program, library, method],
        env={**os.environ, **_QUIET},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("library", "method"),
    [
        ("multiprocessing", "fork"),
        ("multiprocessing", "forkserver"),
        # Instrumented in the child, by the child.
        ("multiprocessing", "late"),
        # A pool that is closed; one that is left by ``with`` is killed.
        ("multiprocessing", "pool"),
        ("billiard", "fork"),
        ("billiard", "late"),
    ],
)
def test_a_child_flushes_before_it_leaves(tmp_path: Path, library: str, method: str) -> None:
    pytest.importorskip(library)
    assert run(tmp_path, library, method) == ["execute_tool count", "left"]


def test_a_backend_that_hangs_does_not_keep_the_child(tmp_path: Path) -> None:
    hang = "import threading; threading.Event().wait()"
    assert run(tmp_path, "multiprocessing", "fork", hang) == ["left"]


def test_a_backend_that_fails_does_not_show(tmp_path: Path) -> None:
    assert run(tmp_path, "multiprocessing", "fork", "raise ValueError") == ["left"]


def test_nothing_is_flushed_after_uninstrument(tmp_path: Path) -> None:
    assert run(tmp_path, "multiprocessing", "fork", stop=True) == ["left"]


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
            start_new_session=True,
        )
        try:
            sent = [*celery, "call", "tasks.work"]
            subprocess.run(sent, cwd=tmp_path, env=env, capture_output=True, check=True, timeout=60)
            end = time.monotonic() + 60
            while " succeeded in " not in log.read_text() and time.monotonic() < end:
                assert worker.poll() is None, log.read_text()
                time.sleep(0.05)
            assert "execute_tool count" not in log.read_text()
            worker.terminate()
            assert worker.wait(60) == 0
        finally:
            # Its children, too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    assert "execute_tool count" in log.read_text().splitlines()
