"""Letters of UTF-8: what is cut out of a text ends where one ends, or the rest is no text."""

from __future__ import annotations

from typing import Final

_CONTINUED: Final = bytes(range(0x80, 0xC0))


def begins(data: bytes, at: int) -> int:
    """The next place from ``at`` on where a letter begins."""
    near = data[at : at + 3]
    return at + len(near) - len(near.lstrip(_CONTINUED))


def whole(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The same span, with all of the letters of which it has a part."""
    for _ in range(3):
        if 0 < start < len(data) and data[start] in _CONTINUED:
            start -= 1
    return start, begins(data, end)
