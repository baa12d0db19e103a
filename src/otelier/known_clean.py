"""Texts in which no secret was found: a chat sends its history again and again.

Texts themselves are not kept, only their hashes. A hash costs a third of a look for secrets, and
most texts of a program without chats come once: so it is made when a text that looks the same has
been met before. What comes for the second time is looked at once more, then known.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, TypeVar

_MOST: Final = 4096
_sample: Final = itemgetter(slice(None, None, 97))

_Text = TypeVar("_Text", str, bytes)


class KnownClean:
    """Which texts are known to be without a secret."""

    __slots__ = ("_clean", "_met")

    def __init__(self) -> None:
        # Hashes of a letter in a hundred of each text, and of whole texts.
        self._met: dict[int, None] = {}
        self._clean: dict[int, None] = {}

    def unknown(self, texts: Sequence[_Text]) -> list[_Text]:
        """Those of ``texts`` that are not known."""
        met, clean = self._met, self._clean
        return [
            text
            for text, sample in zip(texts, map(hash, map(_sample, texts)), strict=True)
            if sample not in met or hash(text) not in clean
        ]

    def add(self, texts: Sequence[Any]) -> None:
        """These are clean."""
        for text in texts:
            sample = hash(_sample(text))
            if sample in self._met:
                _put(self._clean, hash(text))
            else:
                _put(self._met, sample)


def _put(hashes: dict[int, None], key: int) -> None:
    if len(hashes) >= _MOST:
        hashes.clear()
    hashes[key] = None
