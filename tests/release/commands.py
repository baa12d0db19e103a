"""Commands whose failure ends the check."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Fault(Exception):
    """What is wrong with the release."""


def run(
    words: Sequence[object], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What the command prints; a :class:`Fault` if it fails."""
    command = [str(word) for word in words]
    done = subprocess.run(
        command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise Fault(f"{' '.join(command)} failed ({done.returncode})\n{done.stdout.strip()}")
    return done.stdout
