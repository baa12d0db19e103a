"""What was read lately, kept while nothing is new: who reads a page asks for its parts next."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Kept = TypeVar("Kept", bound=Sequence[object])


class Lately(Generic[Kept]):
    """Keeps few things, and together not much. For several threads."""

    def __init__(self, most: int, weight: Callable[[Kept], int], heaviest: int) -> None:
        """``most`` things; ``weight`` says what each weighs, together at most ``heaviest``."""
        self._most = most
        self._weight = weight
        self._heaviest = heaviest
        self._kept: OrderedDict[Hashable, tuple[str, Kept, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: str, read: Callable[[], Kept]) -> Kept:
        """What is kept of this version; else it is read. Raises what ``read`` raises."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == version:
                self._kept.move_to_end(key)
                return kept[1]
        found = read()
        weight = self._weight(found)
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (version, found, weight)
            while len(self._kept) > self._most or self._whole() > self._heaviest:
                self._kept.popitem(last=False)
        return found

    def _whole(self) -> int:
        return sum(weight for _, _, weight in self._kept.values())
