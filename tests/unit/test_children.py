"""What a forked child process finished is flushed when it leaves by ``os._exit``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

_PROGRAM = """
import importlib, sys
import otelier
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

class Held(SpanProcessor):  # As a batch processor: exports when flushed.
    names = []
    def on_end(self, span):
        self.names.append(span.name)
    def force_flush(self, timeout_millis=0):
        {hang}
        print(*self.names, flush=True)

def work():
    with otelier.tool("count"):
        pass

otelier.instrument()
trace.get_tracer_provider().add_span_processor(Held())
if {stop}:
    otelier.uninstrument()
module = importlib.import_module(sys.argv[1])
process = module.get_context("fork").Process(target=work)
process.start()
process.join()
print("left", process.exitcode, flush=True)
"""


def run(library: str, hang: str = "pass", stop: bool = False) -> str:
    """What the program prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM.format(hang=hang, stop=stop), library],
        env={
            **os.environ,
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        },
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
