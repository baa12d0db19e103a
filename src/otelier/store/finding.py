"""The traces of a store, one after the other: what the index is to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from otelier.store.engine import Engine
from otelier.store.spans import StoredSpan

# Looked at first where the newest are wanted; then many times more.
_FIRST: Final = 256
_MORE: Final = 16


class Found:
    """Reads traces from an open store, no more of them at a time than one."""

    def __init__(
        self, engine: Engine, prefix: str, has: Callable[[StoredSpan], Iterable[str]]
    ) -> None:
        """``prefix``: how trace ids begin; ``has``: what of interest is in a span."""
        self._engine = engine
        self._has = has
        # All digits of an id sort before "g".
        self._given = {"low": prefix, "high": f"{prefix}g"} if prefix else {}
        self._where = " WHERE trace_id >= :low AND trace_id < :high" if prefix else ""

    def __bool__(self) -> bool:
        """Whether there is any span at all, of whatever trace."""
        return bool(self._engine.ask("SELECT 1 FROM otelier.spans LIMIT 1").rows)

    def traces(self, needed: frozenset[str], last: int | None) -> Iterator[list[StoredSpan]]:
        """The traces that have what is ``needed``, by start.

        The ``last`` are those in which something began last. Raises StoreError.
        """
        if last is None:
            yield from self._having(needed, self._by_start())
            return
        kept: list[list[StoredSpan]] = []
        for spans in self._having(needed, self._newest()):
            kept.append(spans)
            if len(kept) == last:
                break
        yield from sorted(kept, key=lambda spans: spans[0].start_ns)

    def _having(self, needed: frozenset[str], ids: Iterable[str]) -> Iterator[list[StoredSpan]]:
        for trace_id in ids:
            spans = self._engine.trace(trace_id)
            if spans and needed <= {each for span in spans for each in self._has(span)}:
                yield spans

    def _by_start(self) -> Iterator[str]:
        rows = self._engine.ask(
            f"SELECT trace_id, min(time) AS start FROM otelier.spans{self._where}"
            " GROUP BY trace_id ORDER BY start",
            self._given,
        ).rows
        return (str(row[0]) for row in rows)

    def _newest(self) -> Iterator[str]:
        seen: set[str] = set()
        most = _FIRST
        while True:
            rows = self._engine.ask(
                f"SELECT trace_id FROM otelier.spans{self._where} ORDER BY time DESC LIMIT {most}",
                self._given,
            ).rows
            for row in rows:
                if row[0] not in seen:
                    seen.add(row[0])
                    yield str(row[0])
            if len(rows) < most:
                return
            most *= _MORE
