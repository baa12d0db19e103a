"""Where the words of a search stand in a text: as the store finds them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, TypeAlias

from otelier.store import words

# A piece of a text, and whether it was looked for.
Piece: TypeAlias = tuple[str, bool]

# Letters that are others with a sign: a search for the one finds the other.
_SIGNED: Final = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
_SIGNS: Final = "[\u0300-\u036f]*"
_BEGINS: Final = r"(?<![^\W_])"
# Characters of a snippet before what was found, and behind it.
_BEFORE: Final = 60
_BEHIND: Final = 140


class Found:
    """The words of a search, or what stands between double quotes, in texts."""

    def __init__(self, asked: str) -> None:
        """``asked``: as a person types it."""
        phrases, loose = words.terms(asked)
        exact = frozenset(words.exact(asked))
        # The longer ones first: who looks for "in inside" means both.
        terms = sorted({*phrases, *loose}, key=len, reverse=True)
        spelt = [re.escape(term) if term in exact else _spelt(term) for term in terms]
        begins = ["" if term in exact else _BEGINS for term in terms]
        self._patterns = [
            re.compile("|".join(told), re.IGNORECASE)
            # Some stores find words within others.
            for told in (list(map("".join, zip(begins, spelt, strict=True))), spelt)
            if told
        ]

    def pieces(self, text: str) -> Iterator[Piece]:
        """A text in pieces; together they are all of it."""
        at = 0
        for match in self._matches(text):
            if match.start() > at:
                yield text[at : match.start()], False
            yield match[0], True
            at = match.end()
        if at < len(text):
            yield text[at:], False

    def snippet(self, text: str) -> str:
        """A line of a text around the first of the words; its beginning where none is in it."""
        match = next(self._matches(text), None)
        at, end = match.span() if match is not None else (0, 0)
        start, end = max(0, at - _BEFORE), min(len(text), end + _BEHIND)
        cut = " ".join(text[start:end].split())
        return ("…" if start else "") + cut + ("…" if end < len(text) else "")

    def _matches(self, text: str) -> Iterator[re.Match[str]]:
        for pattern in self._patterns:
            if pattern.search(text) is not None:
                return pattern.finditer(text)
        return iter(())


def _spelt(term: str) -> str:
    return "".join(_letters(term))


def _letters(term: str) -> Iterator[str]:
    for letter in unicodedata.normalize("NFD", term.lower()):
        if unicodedata.category(letter) == "Mn":
            continue
        if letter.isspace():
            yield r"[\W_]+"
        else:
            others = _others().get(letter, "")
            yield (f"[{re.escape(letter + others)}]" if others else re.escape(letter)) + _SIGNS


@cache
def _others() -> dict[str, str]:
    """By letter those that are the same with a sign."""
    found: dict[str, str] = {}
    for letter in map(chr, _SIGNED):
        plain = _plain(unicodedata.normalize("NFD", letter.lower()))
        if len(plain) == 1 and plain != letter:
            found[plain] = found.get(plain, "") + letter
    return found


def _plain(letters: Iterable[str]) -> str:
    return "".join(each for each in letters if unicodedata.category(each) != "Mn")
