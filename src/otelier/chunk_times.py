"""The times between the chunks of a stream, where a setting asks for them."""

from __future__ import annotations

from time import perf_counter
from typing import Final

_MOST: Final = 100_000


class ChunkTimes:
    """Of one stream: seconds between a chunk and the next one, after the first."""

    __slots__ = ("_last", "seconds")

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._last = 0.0

    def note(self) -> None:
        """A chunk is here."""
        now = perf_counter()
        if self._last and len(self.seconds) < _MOST:
            self.seconds.append(now - self._last)
        self._last = now
