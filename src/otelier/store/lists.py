"""A list of messages as the texts of its members, so that what was sent before is stored once.

The text of a list is cut where JSON cuts it, and only if its pieces, joined, are that text again to
the byte; else it is kept whole by whoever asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from otelier import wire
from otelier.store import pieces

# A list of more members is of numbers, say, and no conversation.
_MOST: Final = 100_000
_JOINS: Final = (",", ", ")
_scan: Final = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Cut:
    """The texts of a list's members, and what stands between them."""

    members: list[str]
    join: str = ","


def cut(text: str) -> Cut | None:
    """The pieces of a JSON list of objects; None for anything else, and for odd spacing."""
    if not text.startswith("[") or not text.endswith("]"):
        return None
    return _members(text, text[1:-1])


def cut_more(tail: str, join: str) -> Cut | None:
    """The same of members alone, joined by ``join``, without the list's brackets."""
    found = _members(f"[{tail}]", tail)
    return found if found is not None and (found.join == join or len(found.members) == 1) else None


def _members(text: str, inner: str) -> Cut | None:
    try:
        found = wire.loads(text)
    except (ValueError, RecursionError):
        return None
    if type(found) is not list or not 0 < len(found) <= _MOST:
        return None
    if any(type(member) is not dict for member in found):
        return None
    members = [wire.encoded(member).decode() for member in found]
    if ",".join(members) == inner:
        return Cut(members)
    return _scanned(inner, len(found))


def _scanned(inner: str, count: int) -> Cut | None:
    """The members as they are spaced: as ``json.dumps`` writes them, say."""
    members: list[str] = []
    join, at = "", 0
    while True:
        try:
            _, end = _scan(inner, at)
        except (ValueError, RecursionError):
            return None
        members.append(inner[at:end])
        if end == len(inner):
            break
        if not join:
            join = next((each for each in reversed(_JOINS) if inner.startswith(each, end)), "")
        if not join or not inner.startswith(join, end):
            return None
        at = end + len(join)
    return Cut(members, join or ",") if len(members) == count else None


def joined(members: list[str], join: str) -> str:
    """The list's text."""
    return f"[{join.join(members)}]"


def texts_of(value: list[Any] | tuple[Any, ...]) -> list[str] | None:
    """The members of a list that is no text: each as JSON. None if they are no messages."""
    if not 0 < len(value) <= _MOST or any(not isinstance(member, dict) for member in value):
        return None
    return [wire.encoded(pieces.tagged(member)).decode() for member in value]


def values_of(members: list[str]) -> list[Any]:
    """The members again."""
    return [pieces.untagged(wire.loads(member)) for member in members]
