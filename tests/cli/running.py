"""``otelier run`` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DATA = "data"
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
    return folder / DATA / "otelier" / "traces.db"


def few(**variables: str) -> dict[str, str]:
    """The variables of a process: few, and ``variables``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": SRC, "OTELIER_CONFIGURE_SDK": "false", **variables}


def last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that the command printed."""
    return done.stderr.splitlines()[-1]
