"""Programs that gevent patches: forks are quiet, spans arrive, nothing holds the greenlets up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gevent")

import otelier

_PATCH = "from gevent import monkey; monkey.patch_all()\n"
_START = "import otelier; otelier.instrument()\n"
_PROGRAM = """
import gevent, multiprocessing, os, threading, time
from opentelemetry import trace

def step(name):
    threads = threading.active_count()
    with otelier.step(name):
        pass
    # The SDK's threads wait; the program's greenlets do not.
    begun = time.monotonic()
    ticks = [gevent.spawn(gevent.sleep, 0.01) for _ in range(3)]
    gevent.joinall(ticks)
    held_up = time.monotonic() - begun > 5
    print(name, threads, held_up, flush=True)

def child(name):
    step(name)
    trace.get_tracer_provider().force_flush(3000)

step("parent")
forked = os.fork()
if forked == 0:
    child("forked")
    if os.fork() == 0:
        child("grandchild")
        os._exit(0)
    os.wait()
    os._exit(0)
os.waitpid(forked, 0)
process = multiprocessing.get_context("fork").Process(target=child, args=("process",))
process.start()
process.join()
"""


@pytest.mark.parametrize("first", [_PATCH + _START, _START + _PATCH], ids=["patched", "late"])
@pytest.mark.parametrize("zero_code", [False, True], ids=["code", "zero_code"])
def test_forks(tmp_path: Path, first: str, zero_code: bool) -> None:
    script = tmp_path / "app.py"
    script.write_text(first + _PROGRAM)
    command = [sys.executable, "-W", "ignore", str(script)]
    if zero_code:
        command.insert(0, str(Path(sys.executable).parent / "opentelemetry-instrument"))
    done = subprocess.run(
        command,
        env={
            "PYTHONPATH": str(Path(otelier.__file__).parents[1]),
            "PATH": str(Path(sys.executable).parent),
            "OTEL_TRACES_EXPORTER": "otelier_file",
            "OTEL_METRICS_EXPORTER": "console",
            "OTEL_LOGS_EXPORTER": "none",
            "OTELIER_TRACE_FILE": "t.jsonl",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("forked", "grandchild", "process"):
        assert f"{name} 1 False\n" in done.stdout
    written = (tmp_path / "t.jsonl").read_text()
    for name in ("parent", "forked", "grandchild", "process"):
        assert written.count(f'"name":"{name}"') + written.count(f'"name": "{name}"') == 1, name


_THREADS = """
import threading
from opentelemetry.trace import get_current_span
def look():
    print(get_current_span() is here)
with otelier.step("here") as step:
    here = step.span
    for thread in (threading.Thread(target=look), threading.Timer(0, look)):
        thread.start()
        thread.join()
"""


@pytest.mark.parametrize("first", [_PATCH + _START, _START + _PATCH], ids=["patched", "late"])
def test_threads_keep_their_parent(tmp_path: Path, first: str) -> None:
    script = tmp_path / "app.py"
    script.write_text(first.replace("instrument()", "instrument(threads=True)") + _THREADS)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        env={
            "PYTHONPATH": str(Path(otelier.__file__).parents[1]),
            **{f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")},
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")
