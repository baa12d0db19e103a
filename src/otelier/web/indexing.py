"""The indexes of words: brought up to date at once where little is new, else beside the pages."""

from __future__ import annotations

import threading
from typing import Final

from otelier.store import words
from otelier.store.engine import Engine
from otelier.store.sqlite import SQLite

# Rows that are taken in while somebody waits for a page.
_FEW: Final = 2_000


class Indexing:
    """Of one store. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def ready(self, engine: Engine) -> bool:
        """Whether the indexes are up to date; else they are being brought there."""
        if not isinstance(engine, SQLite):
            return True
        left, _ = words.backlog(engine)
        if left <= _FEW:
            return engine.catch_up()
        self._begin(engine)
        return False

    def share(self, engine: Engine) -> float:
        """How much of all is in the indexes, from 0 to 1."""
        left, whole = words.backlog(engine)
        return 1 - left / whole if whole else 1.0

    def _begin(self, engine: SQLite) -> None:
        with self._lock:
            if self._worker is not None and self._worker.is_alive():
                return
            self._worker = threading.Thread(target=_caught_up, args=(engine,), daemon=True)
            self._worker.start()


def _caught_up(engine: SQLite) -> None:
    # It has a connection of its own: that of the page may be closed.
    engine.catch_up()
