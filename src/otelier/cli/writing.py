"""Files that commands write: whole or not at all, and for their user alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def into(path: Path, write: Callable[[IO[bytes]], list[int]]) -> list[int]:
    """Make a file, whole or not at all: what was there stays until all is written, or if none is.

    What is no file, a pipe say, is written as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            return write(file)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Its lines hold what users wrote to models.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            made = write(file)
        if any(made):
            beside.replace(path)
        return made
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
