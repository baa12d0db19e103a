"""``otelier run`` in a process of its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

DATA = "data"
# The store of a run, from where it runs.
STORE = f"{DATA}/otelier/traces.db"
ON = {"OTELIER_CONFIGURE_SDK": "true"}
posix = pytest.mark.skipif(os.name == "nt", reason="no signals there")
SRC = str(Path(__file__).parents[2] / "src")


def otelier_run(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """``otelier run`` in a process of its own, with few variables.

    Its store is :func:`store_of` ``cwd`` if nothing else is said.
    """
    variables = {"XDG_DATA_HOME": str(cwd / DATA), **variables}
    return subprocess.run(
        [sys.executable, "-m", "otelier.cli", "run", *words],
        env=few(**variables),
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def store_of(folder: Path) -> Path:
    """The store of runs in a folder."""
    return folder / STORE


def few(**variables: str) -> dict[str, str]:
    """The variables of a process: few, and ``variables``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": SRC, "OTELIER_CONFIGURE_SDK": "false", **variables}


def last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that the command printed."""
    return done.stderr.splitlines()[-1]


def of(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """``otelier run`` of a program's text, with the SDK set up."""
    return otelier_run(sys.executable, "-c", program, cwd=folder, **{**ON, **variables})


def stored(store: Path) -> set[str]:
    """The ids of a store's spans."""
    with closing(sqlite3.connect(store)) as connection:
        return {id for (id,) in connection.execute("SELECT span_id FROM span")}
