"""Faults of the local store: what was finished is in it, and the program never notices.

As in test_faults.py the numbers are those of the table in collector-config/README.md.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from otelier.store.reading import Reader
from tests.backends.faulty import Sender, arrived, as_promised, as_told, sending
from tests.backends.receiver import Receiver
from tests.backends.running import AGENT, environment, until
from tests.backends.test_faults import CALLS, ENDS
from tests.store.conftest import disk as disk  # A fixture.
from tests.store.writing import fill

# What a program says of its store.
SAYS = "cannot write spans into the store"


class Store:
    """A store that a program writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def spans(self) -> Sequence[Mapping[str, Any]]:
        """What is in it."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(self.path)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                return []
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            found = [span for _, span in Reader(connection).after(0, 10_000)]
        return [{"attributes": span.attributes} for span in found]

    def settings(self) -> dict[str, Any]:
        return {"OTEL_TRACES_EXPORTER": "otelier", "OTELIER_STORE": self.path}

    def has_all(self, sender: Sender) -> bool | None:
        """True once nothing is missing."""
        return set(sender.finished) <= arrived(self) or None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "traces.db")


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_a_program(tmp_path: Path, store: Store, name: str) -> None:
    commands, end, code = ENDS[name]
    with sending(tmp_path, "", **store.settings()) as sender:
        for command in commands:
            sender.do(command)
        assert end(sender) == code
        as_promised("store: each end above of a program", sender, store)
        assert len(store.spans()) == CALLS
        assert "otelier" not in sender.said


def test_a_program_that_is_killed(tmp_path: Path, store: Store) -> None:
    """A fifth of a second after its end a span is safe: no exit handler has to run."""
    with sending(tmp_path, "", **store.settings()) as sender:
        sender.do(f"call {CALLS}")
        until(lambda: store.has_all(sender), "all spans")
        sender.process.kill()
        assert sender.process.wait(30) == -9
        as_promised("store: SIGKILL, once the last call is a moment ago", sender, store)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How many Python functions a call takes where nothing is wrong."""
    here = tmp_path_factory.mktemp("usual")
    store = Store(here / "traces.db")
    with sending(here, "", **store.settings()) as sender:
        sender.do("call 5")
        sender.do("count 9")
        assert sender.end() == 0
        assert store.has_all(sender)
        return median(sender.functions)


def calls(sender: Sender, usual: float) -> None:
    """Calls that are as they are where all is well."""
    sender.do(f"call {CALLS - 9}")
    sender.do("count 9")
    unnoticed(sender, usual)
    assert sender.slowest < 1.5


def unnoticed(sender: Sender, usual: float) -> None:
    """Calls ran what they run where all is well, but for what the SDK does every other time."""
    assert abs(median(sender.functions) - usual) <= usual * 0.01


def test_a_store_that_another_program_holds(tmp_path: Path, store: Store, usual: float) -> None:
    with sending(tmp_path, "", **store.settings()) as sender:
        sender.do("call 1")
        until(lambda: store.has_all(sender), "the first span")
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            sender.do("call 40")
            sender.do("count 9")
            # It has waited in the background, and said so.
            until(lambda: SAYS in sender.said or None, "a line")
            other.execute("ROLLBACK")
        unnoticed(sender, usual)
        assert sender.end() == 0
        assert sender.said.count(SAYS) == 1 and "another process holds it" in sender.said
        as_promised("store: held by another program for a while", sender, store)


def test_a_store_that_is_damaged(tmp_path: Path, store: Store, usual: float) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(random.Random(1).randbytes(100_000))
    with sending(tmp_path, "", **store.settings()) as sender:
        calls(sender, usual)
        assert sender.end() == 0
        assert sender.said.count(SAYS) == 1 and "it is no database" in sender.said
    lost("store: damaged", sender, store)


def test_a_disk_that_is_full(tmp_path: Path, disk: Path, usual: float) -> None:
    store = Store(disk / "traces.db")
    fill(disk)
    with sending(tmp_path, "", **store.settings()) as sender:
        calls(sender, usual)
        assert sender.end() == 0
        assert sender.said.count(SAYS) == 1 and "the disk is full" in sender.said
    lost("store: disk full", sender, store)


def test_a_disk_that_has_room_again(tmp_path: Path, disk: Path, usual: float) -> None:
    store = Store(disk / "traces.db")
    rest = fill(disk)
    with sending(tmp_path, "", **store.settings()) as sender:
        calls(sender, usual)
        until(lambda: SAYS in sender.said or None, "a line")
        rest.unlink()
        assert sender.end() == 0
        as_promised("store: disk full for a while", sender, store)


def test_a_disk_that_is_read_only(tmp_path: Path, disk: Path, usual: float) -> None:
    store = Store(disk / "traces.db")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with sending(tmp_path, "", **store.settings()) as sender:
        calls(sender, usual)
        assert sender.end() == 0
        assert sender.said.count(SAYS) == 1 and "read-only" in sender.said.lower()
    lost("store: read-only", sender, store)


def test_a_backend_that_is_down_while_the_store_is_sent_on(tmp_path: Path, store: Store) -> None:
    """What the store has waits there, however long that takes."""
    with Receiver() as receiver:
        receiver.stop()
        with sending(tmp_path, "", **store.settings()) as sender:
            sender.do("call 20")
            until(lambda: len(store.spans()) == 20 or None, "the first spans")
            command = [AGENT.with_name("otelier"), "forward", "--store", store.path]
            with subprocess.Popen([*command, "--to", receiver.url], env=environment()) as forward:
                sender.do("call 30")
                assert sender.end() == 0
                receiver.start()
                until(lambda: set(sender.finished) <= arrived(receiver) or None, "all spans")
                forward.terminate()
                assert forward.wait(30) == 0
            as_promised("store: `otelier forward`, backend down for a while", sender, receiver)
            # Started again it has nothing to send.
            subprocess.run(
                [*command, "--to", receiver.url, "--once"], env=environment(), check=True
            )
            assert set(receiver.counted().values()) == {1}


def lost(fault: str, sender: Sender, store: Store) -> None:
    """Nothing arrived: there is nothing that could be read."""
    if store.path.exists():
        unreadable(store)
    as_told(fault, len(set(sender.finished)), 0, len(set(sender.finished)))


def unreadable(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        try:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        except sqlite3.DatabaseError:
            pass
