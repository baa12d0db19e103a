"""A store by what a person calls it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from otelier import settings
from otelier.store.engine import Engine, StoreError

# How long a query may take.
SECONDS: Final = 60.0
_SCHEMES: Final = ("clickhouse", "clickhouses")


def opened(where: str | None = None, seconds: float = SECONDS) -> Engine:
    """The store at a path or a URL (``clickhouse://host/otelier``), open for reading.

    By default what ``OTELIER_STORE`` says, else the user's own. ``seconds``: how long a query may
    take. Raises StoreError.
    """
    place = where or settings.store()
    if not settings.is_url(place):
        from otelier.store.sqlite import SQLite

        try:
            return SQLite(Path(place).expanduser(), seconds)
        except RuntimeError:  # No home.
            return SQLite(Path(place), seconds)
    scheme = place.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise StoreError(f"{scheme}:// is no store; use a path, or clickhouse://host/otelier")
    from otelier.store.clickhouse import ClickHouse

    return ClickHouse(place, math.ceil(seconds))
