"""SIGTERM where nobody handles it: what is finished is sent, and the program ends as it would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no such signals on this platform")

_START = """
import os, signal, sys, threading
import otelier
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Held(SpanProcessor):  # As a batch processor: exports when flushed.
    names = []
    def on_end(self, span):
        self.names.append(span.name)
    def force_flush(self, timeout_millis=0):
        {flush}
        while self.names:
            print(self.names.pop(0), flush=True)

def start(**options):
    otelier.instrument(**options)
    {patience}
    trace.get_tracer_provider().add_span_processor(Held())

def work(name="t"):
    with otelier.tool(name):
        pass

def term():
    os.kill(os.getpid(), signal.SIGTERM)
"""
_END = "\nprint('went on', flush=True)\n"
_SENT = ["execute_tool t"]
# name -> program, what it prints, its exit code.
PROGRAMS = {
    "not handled": ("start(); work(); term()", _SENT, -15),
    "by raise_signal": ("start(); work(); signal.raise_signal(signal.SIGTERM)", _SENT, -15),
    "what is open, too": (
        "start(); work(); step = otelier.tool('open').start(); term()",
        [*_SENT, "execute_tool open"],
        -15,
    ),
    "while it waits": (
        "start(); work(); threading.Timer(0, term).start(); threading.Event().wait()",
        _SENT,
        -15,
    ),
    "in a child that was forked just now": (
        """
start()
for _ in range(40):
    pid = os.fork()
    if pid == 0:
        threading.Event().wait(5)
        os._exit(0)
    os.kill(pid, signal.SIGTERM)
    assert os.waitpid(pid, 0)[1] == signal.SIGTERM
assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
work(); term()
""",
        _SENT,
        -15,
    ),
    "in a child that was forked": (
        """
start(); work("parent")
pid = os.fork()
if pid == 0:
    trace.get_tracer_provider()._active_span_processor._span_processors[-1].names.clear()
    work(); term()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
""",
        [*_SENT, "-15", "went on"],
        0,
    ),
    "a pool left by with": (
        """
import multiprocessing
start()
with multiprocessing.get_context("fork").Pool(1) as pool:
    pool.apply(work)
""",
        [*_SENT, "went on"],
        0,
    ),
    "while it sends already": (
        """
started, go = threading.Event(), threading.Event()
class Slow(SpanProcessor):
    def force_flush(self, timeout_millis=0):
        if started.is_set():
            go.set()
            return
        started.set()
        go.wait(60)
        for number in range(500):
            print(number, flush=True)
start()
trace.get_tracer_provider().add_span_processor(Slow())
threading.Thread(target=lambda: (started.wait(60), term()), daemon=True).start()
otelier.flush(60)
""",
        [*map(str, range(500))],
        -15,
    ),
    "nothing shows": (
        """
import asyncio
before = signal.getsignal(signal.SIGTERM)
start()
assert signal.getsignal(signal.SIGTERM) is before is signal.SIG_DFL
assert not callable(signal.getsignal(signal.SIGTERM))
mine = lambda *given: print("mine", flush=True)
assert signal.signal(signal.SIGTERM, mine) is signal.SIG_DFL
assert signal.getsignal(signal.SIGTERM) is mine
term()
assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is mine
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, print)
    assert loop.remove_signal_handler(signal.SIGTERM)
asyncio.run(main())
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
signal.signal(signal.SIGUSR1, signal.SIG_DFL)
for wrong in ((signal.SIGTERM, "x"), (signal.SIGKILL, signal.SIG_DFL)):
    try:
        signal.signal(*wrong)
    except (TypeError, OSError) as error:
        assert not error.__traceback__.tb_next.tb_next.tb_next, "frames"
work(); term()
""",
        ["mine", *_SENT],
        -15,
    ),
    "raised again, as servers do": (
        """
start()
caught = []
before = signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number))
work(); term()
signal.signal(signal.SIGTERM, before)
signal.raise_signal(caught.pop())
""",
        _SENT,
        -15,
    ),
    "started inside of such a server": (
        """
caught = []
before = signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number))
start(); work(); term()
signal.signal(signal.SIGTERM, before)
signal.raise_signal(caught.pop())
""",
        _SENT,
        -15,
    ),
    "a handler that ends the program": (
        "start(); signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); work(); term()",
        [],
        3,
    ),
    "a handler of before": (
        """
signal.signal(signal.SIGTERM, lambda *_: print("mine", flush=True))
start(); work(); term()
""",
        ["mine", "went on"],
        0,
    ),
    "ignored": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); start(); work(); term()",
        ["went on"],
        0,
    ),
    "switched off": ("start(flush_on_sigterm=False); work(); term()", [], -15),
    "the program's own SDK": (
        """
original = signal.signal
trace.set_tracer_provider(TracerProvider())
start()
import _signal
assert signal.signal is original
assert type(_signal.getsignal(signal.SIGTERM)) is int
work(); term()
""",
        [],
        -15,
    ),
    "uninstrumented": (
        """
original = signal.signal
start()
otelier.uninstrument()
assert signal.signal is original
import _signal
assert type(_signal.getsignal(signal.SIGTERM)) is int
start()
otelier.uninstrument()
start(); work(); term()
""",
        _SENT * 3,  # Each start has added a processor.
        -15,
    ),
    "started in another thread": (
        """
thread = threading.Thread(target=start)
thread.start(); thread.join()
work(); term()
""",
        [],
        -15,
    ),
}


def run(here: Path, program: str, flush: str = "") -> subprocess.CompletedProcess[str]:
    source = here / "program.py"
    # What is sent in time is sent on a machine that stands still meanwhile, too.
    patience = "pass" if flush else "from otelier import children; children._SECONDS = 50"
    begin = _START.replace("{flush}", flush or "pass").replace("{patience}", patience)
    source.write_text(begin + program + _END)
    quiet = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    return subprocess.run(
        [sys.executable, "-W", "ignore", source],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_sigterm(tmp_path: Path, name: str) -> None:
    program, printed, code = PROGRAMS[name]
    done = run(tmp_path, program)
    assert (done.stdout.splitlines(), done.returncode) == (printed, code), done.stderr
    assert not done.stderr


@pytest.mark.parametrize(
    "flush",
    [
        "threading.Event().wait()",
        "raise ValueError",
        "raise SystemExit(5)",
        # A second signal does not wait for the first one's.
        "term(); threading.Event().wait()",
    ],
)
def test_a_backend_that_is_no_good_does_not_keep_the_program(tmp_path: Path, flush: str) -> None:
    done = run(tmp_path, "start(); work(); term()", flush)
    assert (done.stdout, done.returncode) == ("", -15)
