"""Where a run's spans go: counted exactly while others write there, and told where they cannot."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from otelier.cli import seen
from otelier.store import telling
from otelier.store.health import unwritable
from otelier.store.opening import opened
from otelier.store.writer import Writer
from tests.cli.running import ON, STORE, few, last, of, otelier_run, posix, store_of, stored
from tests.store import made

PIPELINE = """
import multiprocessing, os, sys, otelier
from concurrent.futures import ProcessPoolExecutor

def work(number):
    with otelier.step(f"work {number}") as step:
        step.set_cost(0.25)

def main(method, name, rounds):
    with otelier.step(name):
        pass
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(work, range(rounds)))

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


def test_runs_at_the_same_time_count_each_its_own(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PIPELINE)
    rounds = {"one": ("fork", 7), "two": ("spawn", 12), "three": ("fork", 3)}
    running = {
        name: subprocess.Popen(
            [
                *(sys.executable, "-m", "otelier.cli", "run", "--no-tree", "--store", "s.db"),
                *("app.py", method, name, str(number)),
            ],
            env=few(**ON),
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, (method, number) in rounds.items()
    }
    for name, program in running.items():
        _, said = program.communicate()
        number = rounds[name][1]
        traces, cost = number + 1, 0.25 * number
        assert program.returncode == 0, said
        line = said.splitlines()[-1]
        assert line.startswith(f"otelier run: {traces} traces, ${cost:.2f} -> s.db "), said
    assert len(stored(tmp_path / "s.db")) == sum(number + 1 for _, number in rounds.values())


def test_of_a_trace_that_others_write_too_a_run_counts_its_own(tmp_path: Path) -> None:
    spans = [made.span(number, trace_id="ab" * 16) for number in range(5)]
    store = tmp_path / "s.db"
    Writer(store).write(spans)
    telling.tell(str(tmp_path), store, spans[:2])
    telling.tell(str(tmp_path), store, [made.span(7)])
    # What goes into another store is none of it.
    telling.tell(str(tmp_path), tmp_path / "other.db", spans[2:])
    found = seen.in_store(store, tmp_path)
    assert (found.traces, found.lost, found.trace_id) == (1, 1, "ab" * 16)


@posix
def test_of_a_program_that_is_killed_what_was_exported_is_there(tmp_path: Path) -> None:
    program = """
import os, otelier
from opentelemetry import trace
for number in range(5):
    with otelier.step(f"step {number}") as step:
        step.set_cost(0.5)
trace.get_tracer_provider().force_flush()
os.kill(os.getpid(), 9)
"""
    done = of(program, tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert last(done).startswith(f"otelier run: 5 traces, $2.50 -> {STORE} ")
    assert len(stored(store_of(tmp_path))) == 5


def test_a_run_in_a_run_is_the_outer_ones_too(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import otelier\nwith otelier.step('mine'): pass")
    words = (sys.executable, "-m", "otelier.cli", "run", "--no-tree", "app.py")
    done = otelier_run("--no-tree", *words, cwd=tmp_path, **ON)
    inner, outer = done.stderr.splitlines()
    assert inner == outer and inner.startswith(f"otelier run: 1 trace -> {STORE} ")


def test_a_store_that_the_program_writes_itself_is_no_matter(tmp_path: Path) -> None:
    program = """
import otelier
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from otelier.store.exporter import StoreSpanExporter
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(StoreSpanExporter("own.db")))
provider.get_tracer("own").start_span("own").end()
with otelier.step("mine"):
    pass
"""
    done = of(program, tmp_path)
    assert last(done).startswith(f"otelier run: 1 trace -> {STORE} ")
    assert len(stored(tmp_path / "own.db")) == len(stored(store_of(tmp_path))) == 1


def test_events_of_calls_are_in_the_store_and_are_no_spans(tmp_path: Path) -> None:
    program = """
import otelier
with otelier.step("mine"):
    otelier.record_evaluation("relevance", score=0.5)
"""
    done = of(program, tmp_path)
    assert last(done).startswith(f"otelier run: 1 trace -> {STORE} ")
    engine = opened(str(store_of(tmp_path)))
    found = engine.ask("SELECT evaluation, score FROM otelier.evaluations").rows
    engine.close()
    assert [tuple(row) for row in found] == [("relevance", 0.5)]


def test_a_program_without_spans_makes_no_store(tmp_path: Path) -> None:
    done = of("print('here')", tmp_path)
    assert done.stdout == "here\n" and "nothing was seen" in last(done)
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_written_is_told(tmp_path: Path) -> None:
    # The store breaks after the start.
    program = f"""
import pathlib, otelier
pathlib.Path({str(tmp_path / "s.db")!r}).write_bytes(b"no database" * 1000)
with otelier.step("mine"):
    pass
"""
    done = of(program, tmp_path, OTELIER_STORE="s.db")
    assert done.returncode == 0
    assert "is no database; move it away" in done.stderr
    assert last(done).startswith("otelier run: 1 span could not be kept in s.db")


# --- places that cannot be written


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no database" * 1000, "it is no database; move it away, and a new one is made"),
        ("another", "it is a database of another program"),
        ("newer", "a newer otelier made it"),
    ],
)
def test_a_store_that_cannot_be_written(content: bytes | str, problem: str, tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.parent.mkdir(parents=True)
    if isinstance(content, bytes):
        store.write_bytes(content)
    else:
        if content == "newer":
            writer = Writer(store)
            writer.write([])
            writer.close()
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("CREATE TABLE mine (a)")
            connection.execute("PRAGMA user_version = 999")
            connection.commit()
    before = store.read_bytes()
    done = of("print('started')", tmp_path)
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert f"cannot write the store {store}: {problem}" in done.stderr.splitlines()[0]
    # The user's own word is obeyed, or it is told.
    done = of("print('started')", tmp_path, OTELIER_STORE=str(store))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"otelier run: cannot write the store {store}: {problem}")
    assert store.read_bytes() == before


def test_a_file_that_cannot_be_written_is_told_before_the_program_starts(tmp_path: Path) -> None:
    done = otelier_run(
        "--file", str(tmp_path), sys.executable, "-c", "print('started')", cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line == f"otelier run: cannot write traces to {tmp_path}: it is a folder"


def test_a_file_that_nobody_named_is_no_reason_not_to_start(tmp_path: Path) -> None:
    store_of(tmp_path).mkdir(parents=True)
    done = of("print('started')", tmp_path)
    assert (done.returncode, done.stdout) == (0, "started\n")
    first = done.stderr.splitlines()[0]
    assert f"cannot write the store {store_of(tmp_path)}: it is a folder" in first


def test_why_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"kept")
    assert unwritable(tmp_path / "there") is None
    assert (tmp_path / "there").read_bytes() == b"kept"
    assert unwritable(tmp_path / "new") is None
    assert unwritable(tmp_path / "a" / "b" / "new") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
    assert unwritable(tmp_path) == "it is a folder"
    assert unwritable(tmp_path / "there" / "new") == f"{tmp_path / 'there'} is no folder"
    assert unwritable(tmp_path / ("x" * 300)) == os.strerror(36 if sys.platform == "linux" else 63)


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        assert unwritable(tmp_path / "new") is not None
        assert unwritable(tmp_path / "a" / "new") is not None
    finally:
        tmp_path.chmod(0o755)


@posix
def test_a_run_inside_a_run_with_a_store_of_its_own(tmp_path: Path) -> None:
    inner = [sys.executable, "-m", "otelier.cli", "run", "--no-tree", "--store", "inner.db", "--"]
    program = "import otelier\nwith otelier.step('x'): pass"
    outer = ["--no-tree", "--store", "outer.db", "--"]
    done = otelier_run(*outer, *inner, sys.executable, "-c", program, cwd=tmp_path, **ON)
    lines = [line for line in done.stderr.splitlines() if line.startswith("otelier run:")]
    assert lines[0].startswith("otelier run: 1 trace -> inner.db ")
    assert lines[1] == "otelier run: what was seen is in inner.db, which the program named itself"
