"""Whether a store, or any file that spans go into, can be written; without changing it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otelier.store import schema
from otelier.store.engine import StoreError
from otelier.store.sharing import fault

# Less room than that is none: a batch of spans with messages needs more.
_ROOM: Final = 1 << 20
# Seconds that a program which is making the store is waited for.
_PATIENT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a store's file."""

    # Why it cannot be written, in words for its user; empty where it can.
    problem: str = ""
    exists: bool = False
    # 0: nothing is in it yet.
    version: int = 0
    # Of the file and of what stands beside it until it is merged.
    bytes: int = 0


def look(path: Path) -> Health:
    """The health of a store. Never raises, and makes no store where there is none."""
    problem = unwritable(path) or ""
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        return Health(problem)
    beside = path.with_name(f"{path.name}-wal")
    size += beside.stat().st_size if beside.exists() else 0
    problem = problem or _full(path)
    if problem:
        return Health(problem, True, 0, size)
    try:
        return Health("", True, _version(path), size)
    except (sqlite3.Error, StoreError, OSError) as error:
        return Health(fault(error), True, 0, size)


def _version(path: Path) -> int:
    with closing(
        sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENT, isolation_level=None
        )
    ) as connection:
        version = schema.check(connection)
        if version:
            connection.execute("SELECT max(id) FROM span").fetchone()
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            # Who only waits for his turn can write.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        return version


def unwritable(path: Path) -> str | None:
    """Why nothing can be appended to a file, or none be made; None where it can.

    No file of that name is made for a moment, either: another program may be about to.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return _unmade(path)
    except (OSError, ValueError) as error:  # A zero byte in its name.
        return getattr(error, "strerror", None) or str(error)
    if stat.S_ISDIR(mode):
        return "it is a folder"
    try:
        if stat.S_ISREG(mode):
            path.open("ab").close()
    except OSError as error:
        return error.strerror or str(error)
    return None if os.access(path, os.W_OK) else f"{path.name} is read-only"


def _unmade(path: Path) -> str | None:
    # Who writes makes the folders that are missing.
    above = next((folder for folder in path.parents if folder.exists()), Path("/"))
    if not above.is_dir():
        return f"{above} is no folder"
    try:
        # No rule says it but the file system itself.
        tempfile.TemporaryFile(dir=above).close()
    except OSError as error:
        reason = error.strerror or str(error)
        return reason if above == path.parent else f"{above} cannot be written to ({reason})"
    return _full(above) or None


def _full(path: Path) -> str:
    try:
        return "the disk is full" if shutil.disk_usage(path).free < _ROOM else ""
    except OSError:
        return ""
