"""Stores with what the pages have to show: each is made through the writer, spans by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

STORES: Final[dict[str, Callable[[Path], None]]] = {}


def made_in(folder: Path, name: str) -> Path:
    """Make one of :data:`STORES` in a folder; its file."""
    path = folder / f"{name}.db"
    STORES[name](path)
    return path
