"""The traces of a store, one after the other: what the index is to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from otelier.store.choosing import beginning
from otelier.store.engine import Engine, StoreError
from otelier.store.spans import StoredSpan

# Looked at first where the newest are wanted; then many times more.
_FIRST: Final = 256
_MORE: Final = 16
# Ids that are told where more than one is meant.
_SHOWN: Final = 3
# What the engine can look for by itself: at least the traces that have it.
_NARROWER: Final = {
    "session": (
        "trace_id IN (SELECT trace_id FROM otelier.attributes"
        " WHERE key IN ('session.id', 'gen_ai.conversation.id') AND value = :session)"
    ),
    "errors": (
        "trace_id IN (SELECT trace_id FROM otelier.spans WHERE status_code = 'Error'"
        " UNION ALL SELECT trace_id FROM otelier.attributes WHERE key = 'error.type')"
    ),
}
# The same by the local store's indexes.
_INDEXED: Final = {
    "session": (
        "trace_id IN (SELECT trace_id FROM otelier.span WHERE session = :session"
        " UNION ALL SELECT trace_id FROM otelier.span WHERE conversation = :session)"
    ),
    "errors": "trace_id IN (SELECT trace_id FROM otelier.span WHERE status = 'error')",
}


class Found:
    """Reads traces from an open store, no more of them at a time than one."""

    def __init__(
        self,
        engine: Engine,
        prefix: str,
        has: Callable[[StoredSpan], Iterable[str]],
        session: str = "",
    ) -> None:
        """``prefix``: how trace ids begin; ``has``: what of interest is in a span.

        ``session``: whose spans have "session".
        """
        self._engine = engine
        self._has = has
        self._prefix = prefix
        self._session = session
        self._narrower = _INDEXED if engine.dialect == "sqlite" else _NARROWER

    def __bool__(self) -> bool:
        """Whether there is any span at all, of whatever trace."""
        return bool(self._engine.ask("SELECT 1 FROM otelier.spans LIMIT 1").rows)

    def traces(self, needed: frozenset[str], last: int | None) -> Iterator[list[StoredSpan]]:
        """The traces that have what is ``needed``, by start.

        The ``last`` are those in which something began last. Raises StoreError.
        """
        if last is None:
            yield from self._having(needed, self._grouped(needed, "min(time)"))
            return
        # Few are left where the engine has looked; else it need not look at all of them.
        narrow = not needed.isdisjoint(self._narrower)
        newest = self._grouped(needed, "max(time)", " DESC") if narrow else self._newest()
        kept: list[list[StoredSpan]] = []
        for spans in self._having(needed, newest):
            kept.append(spans)
            if len(kept) == last:
                break
        yield from sorted(kept, key=lambda spans: spans[0].start_ns)

    def _having(self, needed: frozenset[str], ids: Iterable[str]) -> Iterator[list[StoredSpan]]:
        for trace_id in ids:
            spans = self._engine.trace(trace_id)
            if spans and needed <= {each for span in spans for each in self._has(span)}:
                yield spans

    def _grouped(self, needed: frozenset[str], order: str, way: str = "") -> Iterator[str]:
        return self._ids(
            f"SELECT trace_id, {order} AS moment FROM otelier.spans",
            needed,
            f" GROUP BY trace_id ORDER BY moment{way}",
        )

    def _newest(self) -> Iterator[str]:
        seen: set[str] = set()
        most = _FIRST
        while True:
            rows = 0
            for trace_id in self._ids(
                "SELECT trace_id FROM otelier.spans",
                frozenset(),
                f" ORDER BY time DESC LIMIT {most}",
            ):
                rows += 1
                if trace_id not in seen:
                    seen.add(trace_id)
                    yield trace_id
            if rows < most:
                return
            most *= _MORE

    def _ids(self, select: str, needed: frozenset[str], rest: str) -> Iterator[str]:
        conditions = [self._narrower[name] for name in sorted(needed) if name in self._narrower]
        given = {"session": self._session} if "session" in needed else {}
        if self._prefix:
            conditions.append("trace_id >= :low AND trace_id < :high")
            given |= dict(zip(("low", "high"), beginning(self._prefix), strict=True))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return (str(row[0]) for row in self._engine.ask(select + where + rest, given).rows)


def one(engine: Engine, begins: str = "") -> list[StoredSpan]:
    """The spans of the one trace whose id begins so; without a beginning, of the newest.

    Raises StoreError where there is none, or more than one.
    """
    if not begins:
        for spans in Found(engine, "", lambda span: ()).traces(frozenset(), 1):
            return spans
        raise StoreError(f"no spans in {engine.place}")
    prefix = begins.lower()
    low, high = beginning(prefix)
    rows = engine.ask(
        "SELECT DISTINCT trace_id FROM otelier.spans "
        f"WHERE trace_id >= :low AND trace_id < :high ORDER BY trace_id LIMIT {_SHOWN + 1}",
        {"low": low, "high": high},
    ).rows
    ids = [str(row[0]) for row in rows]
    if not ids:
        raise StoreError(f"no trace whose id begins with {begins} in {engine.place}")
    if len(ids) > 1 and prefix not in ids:
        listed = ", ".join(ids[:_SHOWN]) + (", …" if len(ids) > _SHOWN else "")
        raise StoreError(f"more than one trace has an id that begins with {begins}: {listed}")
    return engine.trace(ids[0])
