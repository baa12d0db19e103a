"""Many processes write one store at once, and one is killed: nothing that was told is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.store.writing import BATCH

ROOT = Path(__file__).parents[2]
WRITERS = 8
BATCHES = 8


class Writing:
    """A running writer and the ids of the spans that it has stored, as it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: list[str] = []

    def hear(self, batches: int) -> None:
        """Wait until it has stored so many batches more."""
        assert self.process.stdout is not None
        for _ in range(batches):
            self._heard(self.process.stdout.readline())

    def kill(self) -> None:
        """By SIGKILL, in the middle of whatever it does."""
        self.process.kill()
        self._rest()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._rest()
        return self.process.wait(60)

    def _rest(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._heard(line)

    def _heard(self, line: str) -> None:
        assert line.endswith("\n"), "a writer ended"
        self.told += line.split()


@contextmanager
def writing(store: Path, name: str, *options: str) -> Iterator[Writing]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writing", str(store), name, *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Writing(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def stored(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute(
            "SELECT count(*) FROM history WHERE text NOT IN (SELECT id FROM text)"
            " OR previous != 0 AND previous NOT IN (SELECT id FROM history)"
        ).fetchall() == [(0,)]
        return [row[0] for row in connection.execute("SELECT span_id FROM span")]


def test_eight_writers_one_killed_and_a_reader(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    answers = 0
    refused: list[str] = []
    with ExitStack() as stack:
        writers = [stack.enter_context(writing(store, f"w{n}")) for n in range(WRITERS)]
        for each in writers:
            each.hear(1)
        # It looks whenever somebody has stored something: they go on meanwhile.
        for number in range(BATCHES):
            for each in writers:
                if each.process.returncode is None:
                    each.hear(1)
                try:
                    # As a reader does that waits for nobody.
                    with closing(sqlite3.connect(store, timeout=0)) as reader:
                        answers += reader.execute("SELECT count(*) FROM span").fetchone()[0] > 0
                except sqlite3.Error as error:
                    refused.append(str(error))
            if number == 2:
                writers[3].kill()
                writers[3].process.wait()
        ends = [each.end() for each in writers if each is not writers[3]]
    assert ends == [0] * (WRITERS - 1)
    assert refused == []
    assert answers == BATCHES * WRITERS
    found = stored(store)
    told = [one for each in writers for one in each.told]
    assert len(told) >= (WRITERS * 3 + (WRITERS - 1) * (BATCHES - 3)) * BATCH
    assert len(set(found)) == len(found)
    assert set(told) <= set(found)
    # What the killed one had stored and not told yet is a whole batch, or nothing.
    assert len(found) - len(told) in (0, BATCH)
    # What all of them said is there once.
    with closing(sqlite3.connect(store)) as connection:
        (common,) = connection.execute(
            "SELECT count(*) FROM text WHERE body LIKE '%all say this 7 %'"
        ).fetchone()
    assert common == 1


def test_a_writer_that_was_forked(tmp_path: Path) -> None:
    """Parent and child go on with the exporter that the parent had used."""
    store = tmp_path / "store.db"
    with writing(store, "forks", "fork") as both:
        both.hear(20)
        assert both.end() == 0
    found = stored(store)
    assert sorted(found) == sorted(both.told)
    with closing(sqlite3.connect(store)) as connection:
        services = connection.execute("SELECT service, count(*) FROM span GROUP BY service")
        names = dict(services.fetchall())
    assert set(names) == {"forks", "forks's child"}


FORKS = """
import os, sys, threading
from opentelemetry.sdk.trace.export import SpanExportResult
from otelier.store.exporter import StoreSpanExporter
from tests.store.writing import batch

exporter = StoreSpanExporter(sys.argv[1])
# Large ones: most of the time one is being written.
ready = [sum((batch("parent", m) for m in range(40)), ()) for _ in range(12)]
done = 0
started = threading.Event()

def write():
    global done
    for spans in ready:
        done += exporter.export(spans) is SpanExportResult.SUCCESS
        started.set()

thread = threading.Thread(target=write)
thread.start()
started.wait()
good = forks = 0
while thread.is_alive():
    forks += 1
    child = os.fork()
    if child == 0:
        stored = exporter.export(batch(f"child {forks}", 1))
        exporter.shutdown()
        os._exit(stored is not SpanExportResult.SUCCESS)
    good += os.waitpid(child, 0)[1] == 0
thread.join()
exporter.shutdown()
print(done, good, forks)
"""


def test_forks_while_something_is_written(tmp_path: Path) -> None:
    """SQLite in a child must not take what the parent was doing for its own."""
    store = tmp_path / "store.db"
    command = [sys.executable, "-c", FORKS, str(store)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert told.stderr == ""
    done, good, forks = map(int, told.stdout.split())
    assert forks
    assert (done, good) == (12, forks)
    assert len(stored(store)) == (12 * 40 + forks) * BATCH


LONG = """
import os, sys, threading
from otelier.store import sharing
from tests.store.made import span

class Attributes(dict):
    # They are read while they are written.
    def get(self, name, default=None):
        if name == "gen_ai.operation.name" and threading.current_thread() is thread:
            began.set()
            forked.wait(0.01)
        return super().get(name, default)

began, forked = threading.Event(), threading.Event()
store = sharing.of(sys.argv[1])
assert store.write([span(0)])
spans = [span(number, attributes=Attributes()) for number in range(1, 200)]
thread = threading.Thread(target=store.write, args=(spans,))
thread.start()
began.wait()
child = os.fork()
if child == 0:
    os._exit(not sharing.of(sys.argv[1]).write([span(1000)]))
forked.set()
print(os.waitpid(child, 0)[1])
thread.join()
store.close()
"""


def test_a_child_that_is_forked_in_the_middle_of_a_long_write(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    command = [sys.executable, "-c", LONG, str(store)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (told.stderr, told.stdout) == ("", "0\n")
    assert len(stored(store)) == 201
