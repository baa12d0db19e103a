"""A store that cannot be written: one line tells, nothing is raised, what can wait is not lost."""

from __future__ import annotations

import logging
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otelier.store import sharing, waiting
from otelier.store.exporter import StoreSpanExporter
from otelier.store.spans import StoredLog, StoredSpan
from tests.store.made import span
from tests.store.writing import BATCH, batch, fill

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def exporter(path: Path) -> StoreSpanExporter:
    """One that waits for no other process, so that nobody waits for the test."""
    sharing.of(path).patience = 0.0
    return StoreSpanExporter(path)


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ((found,),) = connection.execute("SELECT count(*) FROM span").fetchall()
    return int(found)


def warned(caplog: pytest.LogCaptureFixture) -> str:
    """What was said, in one line."""
    (record,) = caplog.records
    said = record.getMessage()
    assert record.levelname == "WARNING" and "\n" not in said
    return said


def test_a_full_disk(disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = disk / "store.db"
    exporting = exporter(store)
    assert exporting.export(batch("a", 1)) is SUCCESS
    rest = fill(disk)
    # The log has room that was taken before.
    results = [exporting.export(batch("a", number)) for number in range(2, 40)]
    assert FAILURE in results
    assert "the disk is full; it is tried again" in warned(caplog)
    rest.unlink()
    assert exporting.export(batch("a", 40)) is SUCCESS
    exporting.shutdown()
    assert count(store) == 40 * BATCH


def test_a_disk_that_is_full_from_the_start(disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = disk / "store.db"
    rest = fill(disk)
    exporting = exporter(store)
    assert [exporting.export(batch("a", number)) for number in range(3)] == [FAILURE] * 3
    assert "the disk is full" in warned(caplog)
    rest.unlink()
    assert exporting.export(batch("a", 3)) is SUCCESS
    exporting.shutdown()
    assert count(store) == 4 * BATCH


def test_a_disk_that_is_full_for_long_costs_no_more_memory(disk: Path) -> None:
    store = disk / "store.db"
    rest = fill(disk)
    exporting = exporter(store)
    for number in range(waiting.NUMBER // BATCH + 10):
        assert exporting.export(batch("a", number)) is FAILURE
    assert len(sharing.of(store)._waiting) == waiting.NUMBER
    rest.unlink()


def test_long_messages_that_wait_are_held_within_bounds(disk: Path) -> None:
    store = disk / "store.db"
    rest = fill(disk)
    held = sharing.of(store)
    for number in range(100):
        assert not held.write([span(number, attributes={"text": f"{number} " + "x" * 1_000_000})])
    assert 0 < len(held._waiting) * 1_000_000 <= waiting.SIZE
    # One that is larger alone waits alone.
    assert not held.write([span(100, attributes={"text": "x" * (waiting.SIZE + 1)})])
    assert [each.span_id for each in held._waiting.first()] == [span(100).span_id]
    rest.unlink()


def test_a_disk_that_is_full_for_long_costs_no_more_time(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt is made with a portion of what waits."""
    store = disk / "store.db"
    rest = fill(disk)
    held = sharing.of(store)
    tried: list[int] = []
    write = held.writer.write

    def told(spans: Sequence[StoredSpan], logs: Sequence[StoredLog] = ()) -> int:
        tried.append(len(spans))
        return write(spans, logs)

    held.writer.write = told  # type: ignore[method-assign]
    monkeypatch.setattr(waiting, "PORTION", 15)
    for number in range(9):
        assert not held.write([span(number * 1000 + each) for each in range(10)])
    assert tried == [10, 10, *[15] * 7]
    rest.unlink()
    assert held.write([span(9999)])
    held.close()
    assert count(store) == 91


def test_a_file_that_may_not_grow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = tmp_path / "store.db"
    exporting = exporter(store)
    assert exporting.export(batch("a", 1)) is SUCCESS
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        results = [exporting.export(batch("a", number)) for number in range(2, 40)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert results[-1] is FAILURE
    assert "it is tried again" in warned(caplog)
    exporting.shutdown()
    assert count(store) == 39 * BATCH


@pytest.mark.parametrize("began", [True, False], ids=["later", "from the start"])
def test_a_read_only_file(disk: Path, began: bool, caplog: pytest.LogCaptureFixture) -> None:
    store = disk / "store.db"
    exporting = exporter(store)
    if began:
        assert exporting.export(batch("a", 1)) is SUCCESS
        sharing.of(store).writer.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert [exporting.export(batch("a", number)) for number in (2, 3)] == [FAILURE] * 2
    assert "read-only" in warned(caplog).lower()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert exporting.export(batch("a", 4)) is SUCCESS
    exporting.shutdown()
    assert count(store) == (4 if began else 3) * BATCH


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("began", [True, False], ids=["later", "from the start"])
def test_a_locked_store(tmp_path: Path, began: bool, caplog: pytest.LogCaptureFixture) -> None:
    store = tmp_path / "store.db"
    exporting = exporter(store)
    if began:
        assert exporting.export(batch("a", 1)) is SUCCESS
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert [exporting.export(batch("a", number)) for number in (2, 3)] == [FAILURE] * 2
        assert "another process holds it; it is tried again" in warned(caplog)
        holder.stdin.close()
        holder.wait()
    assert exporting.export(batch("a", 4)) is SUCCESS
    exporting.shutdown()
    assert count(store) == (4 if began else 3) * BATCH


def test_who_waits_for_another_process_sleeps_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in SQLite: under gevent nothing else of the program would run meanwhile."""
    store = tmp_path / "store.db"
    held = sharing.of(store)
    assert held.write([span(1)])
    assert held.writer.seconds == 0
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sleeps: list[float] = []

        def sleep(seconds: float) -> None:
            assert not held._lock.locked()
            sleeps.append(seconds)
            other.execute("ROLLBACK")

        monkeypatch.setattr(sharing.time, "sleep", sleep)
        assert held.write([span(2)])
    assert len(sleeps) == 1
    held.close()
    assert count(store) == 2


def damage(store: Path, seed: int, start: int) -> None:
    """Bytes of chance over a third of the file."""
    size = store.stat().st_size
    with store.open("r+b") as file:
        file.seek(start)
        file.write(random.Random(seed).randbytes(size // 3))


@pytest.mark.parametrize("where", ["the beginning", "the middle"])
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_store(
    tmp_path: Path, where: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "store.db"
    exporting = exporter(store)
    for number in range(10):
        assert exporting.export(batch("a", number)) is SUCCESS
    exporting.shutdown()
    damage(store, seed, 0 if where == "the beginning" else store.stat().st_size // 3)
    again = exporter(store)
    results = [again.export(batch("b", number)) for number in range(40)]
    again.shutdown()
    assert results[-1] is FAILURE
    said = warned(caplog)
    assert "it is damaged" in said or "it is no database" in said
    assert "what is recorded is lost" in said


@pytest.mark.parametrize("kind", ["a folder", "below a file", "a zero byte", "another database"])
def test_a_path_that_is_none_for_a_store(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("x")
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE mine (a)")
    path = {
        "a folder": tmp_path,
        "below a file": tmp_path / "file" / "store.db",
        "a zero byte": Path(f"{tmp_path}/a\0b"),
        "another database": tmp_path / "other.db",
    }[kind]
    exporting = exporter(path)
    with caplog.at_level(logging.INFO):
        assert [exporting.export(batch("a", number)) for number in range(3)] == [FAILURE] * 3
        exporting.shutdown()
    warned(caplog)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
