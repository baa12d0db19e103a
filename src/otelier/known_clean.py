"""Texts in which no secret was found: a chat sends its history again and again.

Texts are not kept, only their hashes. A hash costs a third of a look for secrets, and a request
that has one new text mostly has others: after the first, a text's hash is asked for only if one
that looks the same was met before. So what comes for the second time is looked at once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

# A server may have a hundred chats at once, each with a hundred texts: two megabytes and a bit.
_MOST: Final = 16_384
_sample: Final = itemgetter(slice(None, None, 251))


class KnownClean:
    """Which texts are known to be without a secret."""

    __slots__ = ("_clean", "_met")

    def __init__(self) -> None:
        # Hashes of whole texts, and of every 251st letter of texts.
        self._clean: dict[int, None] = {}
        self._met: dict[int, None] = {}

    def knows(self, text: str | bytes) -> bool:
        """Whether a text is known."""
        return hash(_sample(text)) in self._met and hash(text) in self._clean

    def unknown(self, texts: Sequence[str]) -> Sequence[str]:
        """Those of ``texts`` that are not known."""
        met, clean = self._met, self._clean
        for known, text in enumerate(texts):
            if hash(text) not in clean:
                texts = texts[known:]
                break
        else:
            return ()
        return [
            text
            for text, sample in zip(texts, map(hash, map(_sample, texts)), strict=True)
            if sample not in met or hash(text) not in clean
        ]

    def add(self, texts: Sequence[str | bytes]) -> None:
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
