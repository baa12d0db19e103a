"""Two texts, by lines and within these by words, with what is the same folded.

Whatever the texts are, it takes no longer than some tenths of a second, and says where it gave up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from otelier.web.shown.differing import Block, blocks, common

# Characters, between what both begin and end with, of which lines are compared; and of some lines
# that differ, of which words are.
_LINES: Final = 1_000_000
_WORDS: Final = 60_000
# Steps of the words of some lines.
_STEPS: Final = 40_000
# Below this share of characters that stay, two texts have nothing to do with each other.
_ALIKE: Final = 0.35
# Lines that are shown beside what differs; and of a long run of words that are the same, how many
# characters at either end.
_BESIDE: Final = 2
_ENDS: Final = 300
# Characters that are shown of some lines, and of two texts.
_SHOWN: Final = 20_000
_ALL: Final = 200_000

_TOKENS: Final = re.compile(r"\d+(?:[.,]\d+)+|\w+|\s+|[^\w\s]")
# The end of a text that may be the beginning of a word, and the other way round.
_BEGUN: Final = re.compile(r"\w*\Z")
_ENDED: Final = re.compile(r"\A\w*")
_WORD: Final = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that are in both texts, or in one alone."""

    kind: str
    """``same``, ``a`` or ``b``."""
    text: str
    cut: int = 0
    """How many characters are not shown, between the text and its tail."""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some lines."""

    kind: str
    """``same``, ``changed`` (some words of them), ``a`` or ``b`` (in one alone)."""
    pieces: tuple[Piece, ...]
    lines: int
    folded: bool = False
    """Whether nobody needs to see it: it is the same, and not beside what differs."""
    coarse: bool = False
    """Whether it was compared no further: it is too long, or too different."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two texts."""

    stretches: tuple[Stretch, ...]
    removed: int
    added: int
    """How many lines only one of them has, or has otherwise."""
    left_out: int = 0
    """How many stretches are not shown."""

    @property
    def same(self) -> bool:
        """Whether they are the same."""
        return not self.removed and not self.added

    @property
    def coarse(self) -> bool:
        """Whether some of it was compared no further."""
        return any(stretch.coarse for stretch in self.stretches)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Some lines of both: the same, or what is in one instead of what is in the other."""

    same: bool
    a: str
    b: str
    removed: int = 0
    added: int = 0
    coarse: bool = False


@dataclass(slots=True)
class Effort:
    """What may still be done for all texts of a page."""

    # Characters of which lines are compared.
    lines: int = 3 * _LINES
    # How often words are.
    times: int = 150
    # Characters that are shown.
    shown: int = 3 * _ALL


class _Room:
    """What may still be done and shown for two texts."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.left = min(_ALL, effort.shown)

    def piece(self, kind: str, text: str) -> Piece:
        """As much of a text as there is room for."""
        shown = text[: max(0, min(_SHOWN, self.left))]
        self._take(len(shown))
        return Piece(kind, shown, len(text) - len(shown))

    def same(self, text: str) -> Piece:
        """A text whose middle is nothing new."""
        if len(text) <= 3 * _ENDS:
            return self.piece("same", text)
        self._take(2 * _ENDS)
        return Piece("same", text[:_ENDS], len(text) - 2 * _ENDS, text[-_ENDS:])

    def _take(self, characters: int) -> None:
        self.left -= characters
        self.effort.shown -= characters


def compared(a: str, b: str, effort: Effort | None = None) -> Compared:
    """What differs between two texts. ``effort``: what may be done for several."""
    room = _Room(effort or Effort())
    found = list(_joined(_lines(a, b, room.effort)))
    shown: list[Stretch] = []
    left_out = 0
    for index, lines in enumerate(found):
        if room.left <= 0:
            left_out += 1
        elif lines.same:
            shown += _beside(lines.a, room, index == 0, index == len(found) - 1)
        else:
            shown += _changed(lines, room)
    removed, added = sum(each.removed for each in found), sum(each.added for each in found)
    return Compared(tuple(shown), removed, added, left_out)


# --- lines ------------------------------------------------------------------------------------


def _lines(a: str, b: str, effort: Effort) -> Iterator[_Lines]:
    """Both texts from their beginning to their end."""
    if a == b:
        if a:
            yield _Lines(True, a, b)
        return
    if not a or not b:
        # Nothing is no line.
        yield _Lines(False, a, b, _count(a), _count(b))
        return
    head, tail = common(a, b)
    # Whole lines, without the end of the last one.
    head = a.rfind("\n", 0, head) + 1
    newline = a.find("\n", len(a) - tail)
    end_a = newline if newline >= 0 else len(a)
    end_b = end_a + len(b) - len(a) if newline >= 0 else len(b)
    if head:
        yield _Lines(True, a[: head - 1], b[: head - 1])
    yield from _between(a[head:end_a], b[head:end_b], effort)
    if newline >= 0:
        yield _Lines(True, a[end_a + 1 :], b[end_b + 1 :])


def _between(a: str, b: str, effort: Effort) -> Iterator[_Lines]:
    size = max(len(a), len(b))
    effort.lines -= size
    if size > _LINES or effort.lines < 0:
        yield _Lines(False, a, b, _count(a), _count(b), coarse=True)
        return
    one, other = a.split("\n"), b.split("\n")
    for block in blocks(one, other):
        lines_a, lines_b = one[block.a], other[block.b]
        removed, added = (0, 0) if block.same else (len(lines_a), len(lines_b))
        texts = "\n".join(lines_a), "\n".join(lines_b)
        yield _Lines(block.same, *texts, removed, added, block.coarse)


def _joined(found: Iterable[_Lines]) -> Iterator[_Lines]:
    """What is the same and follows each other as one."""
    before: _Lines | None = None
    for lines in found:
        if before is not None and before.same and lines.same:
            text = f"{before.a}\n{lines.a}"
            before = _Lines(True, text, text)
            continue
        if before is not None:
            yield before
        before = lines
    if before is not None:
        yield before


def _beside(text: str, room: _Room, first: bool, last: bool) -> Iterator[Stretch]:
    """Lines that are the same: those beside what differs, and the others folded."""
    rest: str | None = text
    if not first:
        *head, rest = _padded(text.split("\n", _BESIDE))
        yield _same("\n".join(head), room)
    tail: list[str] | None = None
    if rest is not None and not last:
        tail = rest.rsplit("\n", _BESIDE)
        rest = tail.pop(0) if len(tail) > _BESIDE else None
    if rest is not None:
        lines = _count(rest) or 1
        yield Stretch("same", (room.piece("same", rest),), lines, folded=lines > 1)
    if tail is not None:
        yield _same("\n".join(tail), room)


def _padded(parts: list[str]) -> list[Any]:
    """Some lines and the rest, which is None where there is none."""
    return parts if len(parts) > _BESIDE else [*parts, None]


def _same(text: str, room: _Room) -> Stretch:
    return Stretch("same", (room.same(text),), _count(text) or 1)


def _count(text: str) -> int:
    """How many lines a text has."""
    return text.count("\n") + 1 if text else 0


# --- words ------------------------------------------------------------------------------------


def _changed(lines: _Lines, room: _Room) -> Iterator[Stretch]:
    """Lines that differ: word by word where enough of them stays, else those of both."""
    coarse = lines.coarse
    if lines.removed and lines.added and room.effort.times > 0:
        room.effort.times -= 1
        words, given_up = _words(lines.a, lines.b)
        coarse = coarse or given_up
        stays = sum(len(text) for kind, text in words if kind == "same")
        if stays >= _ALIKE * max(len(lines.a), len(lines.b)):
            pieces = tuple(
                room.same(text) if kind == "same" else room.piece(kind, text)
                for kind, text in words
            )
            yield Stretch("changed", pieces, max(lines.removed, lines.added), coarse=given_up)
            return
    if lines.removed:
        yield Stretch("a", (room.piece("a", lines.a),), lines.removed, coarse=coarse)
    if lines.added:
        yield Stretch("b", (room.piece("b", lines.b),), lines.added, coarse=coarse)


def _words(a: str, b: str) -> tuple[list[tuple[str, str]], bool]:
    """Kinds and texts of pieces; whether some of them were compared no further."""
    head, tail = common(a, b)
    # No word is torn, unless it is a very long one.
    head -= len(_BEGUN.findall(a[max(0, head - _WORD) : head])[0])
    end = len(a) - tail
    tail -= len(_ENDED.findall(a[end : end + _WORD])[0])
    end_a, end_b = len(a) - tail, len(b) - tail
    pieces = [("same", a[:head])]
    coarse = max(end_a, end_b) - head > _WORDS
    if coarse:
        pieces += [("a", a[head:end_a]), ("b", b[head:end_b])]
    else:
        one, other = _TOKENS.findall(a[head:end_a]), _TOKENS.findall(b[head:end_b])
        found = blocks(one, other, _STEPS)
        coarse = any(block.coarse for block in found)
        pieces += _pieces(one, other, found)
    pieces.append(("same", a[end_a:]))
    return [piece for piece in pieces if piece[1]], coarse


def _pieces(one: list[str], other: list[str], found: list[Block]) -> Iterator[tuple[str, str]]:
    """The pieces of blocks of words. A space between two changes is one with these."""
    told_a = told_b = ""
    for index, block in enumerate(found):
        text_a, text_b = "".join(one[block.a]), "".join(other[block.b])
        if block.same and not (text_a.isspace() and 0 < index < len(found) - 1):
            yield from (("a", told_a), ("b", told_b), ("same", text_a))
            told_a = told_b = ""
        else:
            told_a, told_b = told_a + text_a, told_b + text_b
    yield from (("a", told_a), ("b", told_b))
