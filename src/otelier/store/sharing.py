"""The stores that this process writes: a writer each, whoever gives it what to write.

What could not be written waits, within bounds, for the next attempt: a store that is locked for a
moment, or a disk that is full for one, loses nothing. Whoever asks never waits for long, and a
fault is told in one line.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from otelier import forks, guard, settings
from otelier.store.engine import StoreError
from otelier.store.prune import Pruned
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.waiting import Waiting
from otelier.store.writer import InterruptedByForkError, Writer

# Seconds to wait for other writers: between two attempts, in Python, so that gevent's greenlets go
# on and nobody who forks is kept from it; in all, at first and, once that was in vain, until it
# works again.
_PAUSE: Final = 0.01
_PATIENT: Final = 5.0
_HASTY: Final = 0.2
# Seconds that a program that forks waits at most for what is being written.
_FORKING: Final = 0.5
# Every so many batches it is looked whether something is to be forgotten.
_LOOK: Final = 64

# What others end.
_HELD: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# What no later attempt can mend.
_FOR_GOOD: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FAULTS: Final = {
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_LOCKED: "another process holds it",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk cannot be written",
    sqlite3.SQLITE_CORRUPT: "it is damaged; move it away, and a new one is made",
    sqlite3.SQLITE_NOTADB: "it is no database; move it away, and a new one is made",
}
_PRIMARY: Final = 0xFF


def limits(keep: int | None = None, size: int | None = None) -> tuple[int | None, int | None]:
    """What is kept: spans that began since that nanosecond, and bytes; None for all.

    ``keep``: seconds; ``size``: bytes; by default what the settings say, 0 for all.
    """
    chosen = settings.of_exporters()
    seconds = chosen.store_keep if keep is None else keep
    most = chosen.store_size if size is None else size
    return time.time_ns() - seconds * 10**9 if seconds else None, most or None


def code(error: Exception) -> int:
    """SQLite's primary code of an error; 0 of others."""
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY


def fault(error: Exception) -> str:
    """What is wrong with a store, for its user."""
    if isinstance(error, sqlite3.Error):
        return _FAULTS.get(code(error), str(error))
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


class Pruner:
    """Lets whoever writes a store forget, as it goes, what the settings say is not to be kept."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._asked = 0
        self._pruning: Iterator[Pruned] | None = None

    def step(self, seconds: float = 0.0) -> None:
        """One small step, to be called after a batch is written; never raises.

        More of them as long as they take no longer than ``seconds``, which the batch took: what
        writes fast must forget as fast. Not while somebody waits who forks.
        """
        end = time.monotonic() + seconds
        try:
            if self._pruning is None:
                if self._asked % _LOOK == 0:
                    self._pruning = self._writer.prune(*limits())
                self._asked += 1
            while self._pruning is not None:
                if next(self._pruning, None) is None:
                    self._pruning = None
                else:
                    # There may be more soon: it is looked again once this is done.
                    self._asked = 0
                if self._writer.forking or time.monotonic() >= end:
                    return
        except Exception:
            self._pruning = None
            guard.failed("store.prune")


def of_the_store(error: Exception) -> bool:
    """Whether no span and no event is to blame for an error."""
    # Of a damaged file; its subclasses are of values that cannot be stored.
    damaged = type(error) is sqlite3.DatabaseError
    return damaged or isinstance(
        error, sqlite3.OperationalError | OSError | StoreError | InterruptedByForkError
    )


class Sharing:
    """One store of this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = Writer(path, 0)
        # Seconds that it waits for other writers.
        self.patience = _PATIENT
        self._lock = threading.Lock()
        # Whoever wants the lock comes by here: who forks is not overtaken.
        self._door = threading.Lock()
        self._waiting: Waiting[StoredSpan] = Waiting()
        self._logs: Waiting[StoredLog] = Waiting()
        self._over = False
        self._pruner = Pruner(self.writer)

    def write(self, spans: Sequence[StoredSpan], logs: Sequence[StoredLog] = ()) -> bool:
        """Store spans and events, and what waits; whether all of it is stored now. Never raises."""
        end = time.monotonic() + self.patience
        while True:
            with self._door:
                self._lock.acquire()
            try:
                if self._over:
                    return False
                # A portion at a time: a disk that stays full costs no more than that.
                first, events = self._waiting.first(), self._logs.first()
                before = bool(first or events)
                began = time.monotonic()
                error = self._stored(first, events) if before else self._stored(spans, logs)
                if error is None:
                    self.patience = _PATIENT
                    self._waiting.drop(len(first))
                    self._logs.drop(len(events))
                    if before:
                        continue
                    self._pruner.step(time.monotonic() - began)
                    return True
                if isinstance(error, InterruptedByForkError):
                    continue
                if code(error) not in _HELD or time.monotonic() >= end:
                    self._failed(error, spans, logs)
                    return False
            finally:
                self._lock.release()
            time.sleep(_PAUSE)

    def _stored(self, spans: Sequence[StoredSpan], logs: Sequence[StoredLog]) -> Exception | None:
        """Store it; what is wrong with the store. What is wrong with one span is its own."""
        try:
            if spans or logs:
                self.writer.write(spans, logs)
        except Exception as error:
            if of_the_store(error):
                return error
            guard.failed("store.write")
            # It must not keep the others from the store, now and for ever.
            if spans and logs:
                return self._stored(spans, ()) or self._stored((), logs)
            half, rest = len(spans) // 2, len(logs) // 2
            if half or rest:
                return self._stored(spans[:half], logs[:rest]) or self._stored(
                    spans[half:], logs[rest:]
                )
        return None

    def close(self) -> None:
        """Try once more to store what waits, and close the file."""
        if self._waiting or self._logs:
            self.write(())
        with self._lock:
            self.writer.close()

    def _failed(
        self, error: Exception, spans: Sequence[StoredSpan], logs: Sequence[StoredLog]
    ) -> None:
        self.patience = min(self.patience, _HASTY)
        number = code(error)
        self._over = number in _FOR_GOOD or isinstance(error, StoreError)
        if self._over:
            self._waiting.clear()
            self._logs.clear()
        else:
            self._waiting.add(spans)
            self._logs.add(logs)
        # A file that could not be opened is tried anew, one that broke is opened anew.
        self.writer.close()
        lost = "what is recorded is lost" if self._over else "it is tried again"
        guard.say_once(
            f"store {self.path} {number}",
            "cannot write spans into the store %s: %s; %s. The program is not affected.",
            self.path,
            fault(error),
            lost,
        )

    def give_up(self) -> None:
        """Write nothing from now on, and say so."""
        self._over = True
        guard.say_once(
            f"store {self.path} orphaned",
            "cannot write spans into the store %s: this process was forked while its parent wrote; "
            "what it records is lost. The program is not affected.",
            self.path,
        )

    # What is open when a process forks is open in the child, too: SQLite there believes that the
    # parent's locks are its own, and that what the parent was writing is written by itself.

    def pause(self) -> bool:
        """Close the file, and write nothing until :meth:`go_on`; whether that could be."""
        # A long write is begun anew afterwards: a child of its middle could never write.
        self.writer.forking = True
        try:
            if not self._door.acquire(timeout=_FORKING):
                return False
            if not self._lock.acquire(timeout=_FORKING):
                self._door.release()
                return False
        finally:
            self.writer.forking = False
        self.writer.close()
        return True

    def go_on(self) -> None:
        """Write again."""
        self._lock.release()
        self._door.release()


_shared: dict[Path, Sharing] = {}
# Also held while the process forks: nobody begins to write a store then.
_lock = threading.Lock()
_held = False
_paused: Final[list[Sharing]] = []
# Whether this is the child of a process that could not be kept from writing.
_orphaned = False


def of(path: str | os.PathLike[str]) -> Sharing:
    """The process' way into a store."""
    found = Path(path).absolute()
    with _lock:
        sharing = _shared.get(found)
        if sharing is None:
            sharing = _shared[found] = Sharing(found)
            if _orphaned:
                sharing.give_up()
        return sharing


@forks.before
def _before() -> None:
    global _held
    _held = _lock.acquire(timeout=_FORKING)
    for each in list(_shared.values()):
        if each.pause():
            _paused.append(each)


@forks.in_parent
def _go_on() -> None:
    global _held
    while _paused:
        _paused.pop().go_on()
    if _held:
        _held = False
        _lock.release()


@forks.in_child
def _forked() -> None:
    global _shared, _lock, _held, _orphaned
    parents, _shared = _shared, {}
    _lock, _held = threading.Lock(), False
    for each in parents.values():
        if each not in _paused:
            # SQLite's own locks may be held for ever, and its files are the parent's.
            _orphaned = True
            each.writer.abandon()
    _paused.clear()
