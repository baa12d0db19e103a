"""Programs that fork at the moments that matter: no child waits for ever, or spoils its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .test_store_processes import ROOT, stored

BEGIN = """
import os, sys, threading
from otelier import forks
from otelier.store import exporter
from opentelemetry.sdk.trace.export import SpanExportResult
from tests.store.made import span
from tests.store.writing import batch

def export(name):
    return exporting.export(batch(name, 1)) is SpanExportResult.SUCCESS

exporting = exporter.StoreSpanExporter(sys.argv[1])
reached, forked = threading.Event(), threading.Event()
"""
END = """
child = os.fork()
if child == 0:
    print(export("child"), flush=True)
    sys.exit()
forked.set()
print(os.waitpid(child, 0)[1], flush=True)
thread.join()
exporting.shutdown()
"""
# The child would wait for the import of a thread that it has not.
IMPORT = """
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "otelier.store.prune":
            reached.set()
            forked.wait(0.5)

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=export, args=("parent",))
thread.start()
reached.wait()
"""
# The parent's thread begins when all that wrote before has been told to wait.
BEGINS = """
from otelier.store import sharing
thread = threading.Thread(target=lambda: (sharing.of(sys.argv[1]), reached.set(), export("parent")))

@forks.before
def last():
    thread.start()
    if reached.wait(0.2):
        print("it began")
"""
# SQLite is in the middle of something.
BUSY = """
from otelier.store import sharing
export("parent")
sharing.Sharing.pause = lambda self: False
thread = threading.Thread(target=lambda: None)
thread.start()
"""


@pytest.mark.parametrize("program", [IMPORT, BEGINS, BUSY], ids=["import", "begins", "busy"])
def test_a_fork_when_the_store_is_begun(tmp_path: Path, program: str) -> None:
    store = tmp_path / "store.db"
    command = [sys.executable, "-c", BEGIN + program + END, str(store)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    lost = program == BUSY
    assert told.stdout.split() == [str(not lost), "0"]
    assert ("forked while its parent wrote; what it records is lost" in told.stderr) == lost
    assert len(told.stderr.splitlines()) == lost
    assert len(stored(store)) == (20 if lost else 40)


def test_an_exporter_that_wrote_nothing_ends_without_an_import(tmp_path: Path) -> None:
    """The main thread would be importing when a signal comes, and its flush wait for that."""
    program = (
        "import sys; from otelier.store.exporter import StoreSpanExporter;"
        "from otelier.store.log_exporter import StoreLogExporter;"
        "[each(sys.argv[1]).shutdown() for each in (StoreSpanExporter, StoreLogExporter)];"
        "print('sqlite3' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "store.db")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == "False\n"
