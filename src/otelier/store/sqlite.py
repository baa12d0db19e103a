"""The local store, open for reading: by one who asks in SQL, and by one who wants whole spans."""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from otelier.store import rows, schema, sharing, words
from otelier.store.choosing import Choice, event_page, page
from otelier.store.engine import Answer, LateError, MissingError, Parameter, StoreError
from otelier.store.reading import Reader
from otelier.store.spans import StoredLog, StoredSpan

# The store's name in SQL, as that of ClickHouse's database.
NAME: Final = "otelier"
_SECONDS: Final = 60.0
_WAIT: Final = 10.0
# Instructions of SQLite's machine between two looks at the clock: well below a millisecond.
_STEPS: Final = 10_000
_CACHE_KIB: Final = 65_536

_TRACE: Final = re.compile(
    r"\botelier\.trace\s*\(\s*trace_id\s*=\s*('(?:[^']|'')*'|:\w+)\s*\)", re.IGNORECASE
)
_READS: Final = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
# FTS5 asks whether another connection has written, and declares its table where it is opened.
_FULL_TEXT: Final = frozenset(
    {(sqlite3.SQLITE_PRAGMA, "data_version"), (sqlite3.SQLITE_UPDATE, "sqlite_master")}
)
# What loads code, takes an address for some, or is of other files; some builds of SQLite have it.
_HARMFUL: Final = frozenset(
    {"load_extension", "fts3_tokenizer", "icu_load_collation", "readfile", "writefile", "edit"}
)
# What another way of opening a file may mend.
_NOT_SO: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
# What Python says of a text that is no UTF-8.
_NO_TEXT: Final = "Could not decode to UTF-8"


class SQLite:
    """A store's file. Its methods may be called by any thread, one after the other."""

    dialect = "sqlite"

    def __init__(self, path: Path, seconds: float = _SECONDS, *, spill: bool = True) -> None:
        """``seconds``: how long a query may take. ``spill``: whether it may use temporary files.

        Raises StoreError.
        """
        self.path = path
        self.place = str(path)
        self._seconds = seconds
        self._lock = threading.RLock()
        self._until = 0.0
        self._connection = _connected(path, spill)
        self._reader = Reader(self._connection, NAME)
        self._connection.set_progress_handler(lambda: time.monotonic() > self._until, _STEPS)

    def ask(
        self, sql: str, parameters: Mapping[str, Parameter] | None = None, most: int | None = None
    ) -> Answer:
        """Run a query; at most ``most`` rows. Raises StoreError with what the engine says."""
        given = {
            name: rows.of(value) if isinstance(value, datetime) else value
            for name, value in (parameters or {}).items()
        }
        with self._lock, self._told():
            try:
                return self._asked(sql, given, most)
            except sqlite3.OperationalError as error:
                if _NO_TEXT not in str(error):
                    raise
            # JSON may have escapes that are no characters. Decoding by hand takes its time.
            self._connection.text_factory = _decoded
            try:
                return self._asked(sql, given, most)
            finally:
                self._connection.text_factory = str

    def _asked(self, sql: str, given: Mapping[str, Any], most: int | None) -> Answer:
        cursor = self._connection.execute(_expanded(sql), given)
        if cursor.description is None:
            raise StoreError("it is no query: only reading is possible here")
        found = cursor.fetchall() if most is None else cursor.fetchmany(most)
        cursor.close()
        return Answer(tuple(column[0] for column in cursor.description), found)

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """All spans of a trace, each once, in order of start; none where it is not stored."""
        with self._lock, self._told():
            return self._reader.trace(trace_id)

    def page(self, choice: Choice, after: int = 0) -> list[tuple[int, StoredSpan]]:
        """The next chosen spans, with their numbers: see :func:`choosing.page`."""
        with self._lock, self._told():
            return page(self._reader, choice, after, NAME)

    def event_page(self, choice: Choice, after: int = 0) -> list[tuple[int, StoredLog]]:
        """The same of events."""
        with self._lock, self._told():
            return event_page(self._reader, choice, after, NAME)

    def catch_up(self) -> bool:
        """Bring the full-text indexes up to date; whether they are. Raises nothing."""
        try:
            connection = schema.opened(self.path, _WAIT)
        except (OSError, sqlite3.Error, StoreError):
            return False
        try:
            for _ in words.catch_up(connection):
                pass
        except sqlite3.Error:
            return False
        finally:
            connection.close()
        return True

    def close(self) -> None:
        """Let go of it."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    def _told(self) -> _Told:
        self._until = time.monotonic() + self._seconds
        return _Told(self.path, self._seconds)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


class _Median:
    """ClickHouse's ``median``: the middle of the values that are there, NULL where none is."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: Any) -> None:
        if isinstance(value, int | float):
            self._values.append(value)

    def finalize(self) -> float | None:
        return statistics.median(self._values) if self._values else None


class _Told:
    """SQLite's exceptions as StoreErrors with a line for people."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, sqlite3.Error | sqlite3.Warning):
            return
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_INTERRUPT:
            raise LateError(self._seconds) from None
        if code == sqlite3.SQLITE_AUTH:
            raise StoreError("only reading is possible here") from None
        if code in (sqlite3.SQLITE_ERROR, None):
            raise StoreError(str(error)) from None
        raise StoreError(f"{self._path}: {sharing.fault(error)}") from None


def _expanded(sql: str) -> str:
    """The one view that takes an argument, as SQLite has none of these."""
    return _TRACE.sub(lambda found: f"({_trace().replace('{trace_id}', found[1])})", sql)


def _trace() -> str:
    return schema.script("trace.sql")


def _connected(path: Path, spill: bool) -> sqlite3.Connection:
    if not path.exists():
        raise MissingError(path)
    connection = sqlite3.connect(
        "file::memory:", uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False
    )
    try:
        _attach(connection, path)
        connection.execute(f"PRAGMA {NAME}.cache_size = -{_CACHE_KIB}")
        if not spill:
            connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA query_only = ON")
        # mypy's stubs want a type that is written out for each kind of value.
        connection.create_aggregate("median", 1, _Median)  # type: ignore[arg-type]
        connection.create_function("has", 2, _has, deterministic=True)
        connection.set_authorizer(_only_reading)
    except StoreError as error:
        connection.close()
        raise StoreError(f"{path}: {error}") from None
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: {sharing.fault(error)}") from None
    return connection


def _attach(connection: sqlite3.Connection, path: Path) -> None:
    """Attach the store, which another one may be writing, or which nobody may write at all."""
    problem: sqlite3.Error | None = None
    for mode in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
        place = f"file:{quote(str(path.absolute()))}?{mode}"
        try:
            connection.execute(f"ATTACH DATABASE ? AS {NAME}", (place,))
            _check(connection)
            return
        except sqlite3.Error as error:
            problem = problem or error
            with suppress(sqlite3.Error):
                connection.execute(f"DETACH DATABASE {NAME}")
            if sharing.code(error) not in _NOT_SO:
                break
    assert problem is not None
    raise problem


def _check(connection: sqlite3.Connection) -> None:
    version = schema.check(connection, NAME)
    if version < schema.VERSION:
        raise StoreError(
            "it is empty"
            if version == 0
            else "an older otelier made it; the next program that writes it brings it up to date"
        )


def _has(listed: Any, member: Any) -> bool:
    """Whether a list of texts has one: ClickHouse's function of this name, for lists in JSON."""
    if not isinstance(listed, str) or not isinstance(member, str):
        return False
    try:
        return member in json.loads(listed)
    except (ValueError, TypeError):
        return False


def _only_reading(action: int, first: str | None, second: str | None, *_: Any) -> int:
    """What statements may do. Writing is impossible anyway (``query_only``); this says so early."""
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (second or "").lower() in _HARMFUL else sqlite3.SQLITE_OK
    if action in _READS or (action, first) in _FULL_TEXT:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
