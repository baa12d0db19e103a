"""URLs that people write, whose passwords nobody else is to see."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split(url: str) -> SplitResult:
    """The parts of a URL. Raises ValueError for what is none, or has a port that is none.

    Nor is one with an ``@`` behind its host: there a password has a ``/`` or ``#`` that is not
    written as ``%2F`` or ``%23``, and what looks like host and path is a part of it.
    """
    parts = urlsplit(url)
    _ = parts.port
    if "@" in parts.path + parts.fragment:
        raise ValueError("an @ in a path is written as %40")
    return parts
