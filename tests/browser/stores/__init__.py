"""Stores with what the pages have to show, made through the writer; ``python -m`` makes them all.

Each has a module, whose ``write(path)`` makes it; all but ``pipeline`` are the same each time.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

# By name; they are imported when they are made.
STORES: Final = {
    "pipeline": "tests.browser.stores.pipeline",
    "conversation_of_200_turns": "tests.browser.stores.conversation",
    "large_trace": "tests.browser.stores.large",
    "many": "tests.browser.stores.many",
    "hostile": "tests.browser.stores.hostile",
}


def made_in(folder: Path, name: str) -> Path:
    """Make one of :data:`STORES` in a folder; its file."""
    path = folder / f"{name}.db"
    import_module(STORES[name]).write(path)
    return path
