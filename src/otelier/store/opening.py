"""A store by what a person calls it."""

from __future__ import annotations

from pathlib import Path

from otelier import settings
from otelier.store.engine import Engine, StoreError

_SCHEMES = ("clickhouse", "clickhouses")


def opened(where: str | None = None) -> Engine:
    """The store at a path or a URL (``clickhouse://host/otelier``), open for reading.

    By default what ``OTELIER_STORE`` says, else the user's own. Raises StoreError.
    """
    place = where or settings.store()
    if not settings.is_url(place):
        from otelier.store.sqlite import SQLite

        try:
            return SQLite(Path(place).expanduser())
        except RuntimeError:  # No home.
            return SQLite(Path(place))
    scheme = place.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise StoreError(f"{scheme}:// is no store; use a path, or clickhouse://host/otelier")
    from otelier.store.clickhouse import ClickHouse

    return ClickHouse(place)
