"""What a store could not take yet: it waits, within bounds, for the next attempt."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final, Generic, TypeVar

from otelier.store.portions import weight_of
from otelier.store.spans import StoredLog, StoredSpan

# What the SDK's own queue holds, a few times; and about how many characters all of it may have, so
# that a program with long messages does not pay for a full disk with its memory.
NUMBER: Final = 8192
SIZE: Final = 64 << 20
# How many are tried at once: as many as the SDK hands over.
PORTION: Final = 512

_T = TypeVar("_T", StoredSpan, StoredLog)


class Waiting(Generic[_T]):
    """Spans, or events, the oldest first; the oldest go where there are too many."""

    def __init__(self) -> None:
        self._items: deque[_T] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._items)

    def first(self) -> list[_T]:
        """The next ones to be tried."""
        return list(islice(self._items, PORTION))

    def add(self, items: Sequence[_T]) -> None:
        """These wait, too."""
        for item in items:
            self._items.append(item)
            self._size += weight_of(item)
            while len(self._items) > NUMBER or (self._size > SIZE and len(self._items) > 1):
                self.drop(1)

    def drop(self, number: int) -> None:
        """The first ones wait no more."""
        for _ in range(number):
            self._size -= weight_of(self._items.popleft())

    def clear(self) -> None:
        """Nothing waits any more."""
        self._items.clear()
        self._size = 0
