"""``otelier run`` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SRC = str(Path(__file__).parents[2] / "src")


def otelier_run(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """``otelier run`` in a process of its own, with few variables."""
    return subprocess.run(
        [sys.executable, "-m", "otelier.cli", "run", *words],
        env=few(**variables),
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def few(**variables: str) -> dict[str, str]:
    """The variables of a process: few, and ``variables``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": SRC, "OTELIER_CONFIGURE_SDK": "false", **variables}


def last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that the command printed."""
    return done.stderr.splitlines()[-1]
