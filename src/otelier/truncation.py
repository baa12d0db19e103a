"""What is too long is cut: within its bytes, at places that split no secret, and marked.

Where text was cut it says how much: ``… [3,981,312 more characters]``; lists and objects say how
many members. Bytes are those of the JSON as UTF-8. The work is bounded by the budget, however long
a text is: of what will not be kept nothing is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from otelier import unicode, wire
from otelier.expressions import later
from otelier.value_readers import MORE, more

# Below it a text, or a list or object, says nothing beside its mark; then members are left out.
_LEAST: Final = 96
_LEAST_MEMBERS: Final = 512
# A secret that stands at the cut goes whole. Runs that are longer than this are none.
_LONGEST_SECRET: Final = 4096
_MARK: Final = len(f"{MORE} [999,999,999,999 more characters]".encode())
# Where a word ends: a key, a token or an address with a password in it does not go on behind.
_END: Final = later(r"[\s\"'`<>\\]|[^\x00-\x7f]")
# A name of a secret, shortly before.
_NEAR: Final = 48
_TELLING: Final = later(
    r"(?:pass|pwd|secret|credential|key|token|auth|cookie|login|bearer|basic)[^\n]{0,40}\Z",
    re.IGNORECASE,
)
_TRUNCATED: Final = len(b',"truncated":true')
# Beyond so many budgets texts are taken for long ones without a look, unless they are short.
_MOST_MEASURED: Final = 8
_SHORT: Final = 1024


class Cut:
    """Cuts one value; counts what it left out of texts."""

    def __init__(self) -> None:
        self.characters = 0
        self._sizes: dict[int, int] = {}
        self._limit = 0
        self._measured = 0

    def shrunk(self, item: Any, limit: int) -> Any:
        """``item`` as JSON data of at most ``limit`` bytes, marked if it is an object."""
        tree = wire.plain(item)
        self._limit = limit = max(limit, 64)
        if type(tree) is not dict:
            return self._fit(tree, limit) if self._size(tree) > limit else tree
        self._size(tree)
        kept = self._fit(tree, limit - _TRUNCATED)
        if "role" in tree and "parts" not in kept:
            kept = {**kept, "parts": []}
            kept.pop(MORE, None)
        return {**kept, "truncated": True}

    def text(self, value: str, size: int, behind: int = 0) -> str:
        """``value`` in at most ``size`` bytes of UTF-8; ``behind`` are missing already."""
        return self._text(value, size, str.encode, behind)

    def _size(self, value: Any) -> int:
        """Bytes of its JSON; of long texts only that they are long."""
        kind = type(value)
        if kind is str:
            size = len(value) + 2
            many = size > _SHORT and self._measured > self._limit * _MOST_MEASURED
            if many or size > self._limit:
                return max(size, self._limit + 1)
            self._measured += size
            return len(wire.dumps(value))
        if kind is dict:
            total = 1 + max(len(value), 1)
            for key, member in value.items():
                total += _key(key) + self._size(member)
        elif kind is list:
            total = 1 + max(len(value), 1)
            for member in value:
                total += self._size(member)
        else:
            return len(wire.dumps(value))
        self._sizes[id(value)] = total
        return total

    def _known(self, value: Any) -> int:
        found = self._sizes.get(id(value))
        return self._size(value) if found is None else found

    def _fit(self, value: Any, budget: int) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value, budget - 2, _inner)
        if kind is dict:
            return self._dict(value, budget)
        if kind is list:
            return self._list(value, budget)
        return value if len(wire.dumps(value)) <= budget else MORE

    def _dict(self, value: dict[str, Any], budget: int) -> Any:
        sizes = [self._known(member) for member in value.values()]
        keys = [_key(key) + 1 for key in value]
        least = _least(value.values(), sizes, budget - sum(keys))
        shares, count = _shares(sizes, keys, least, budget - 2, _key(MORE) + _MARK)
        found = {
            key: member if size <= share else self._fit(member, share)
            for (key, member), size, share in zip(
                list(value.items())[:count], sizes, shares, strict=False
            )
        }
        if count < len(value):
            found[MORE] = more(len(value) - count, "members")
        return found

    def _list(self, value: list[Any], budget: int) -> Any:
        sizes = [self._known(member) for member in value]
        # Where all are objects, as a message's parts, readers expect objects.
        objects = all(type(member) is dict for member in value)
        mark = _MARK + (len(b'{"type":"text","content":}') if objects else 0)
        least = _least(value, sizes, budget)
        shares, count = _shares(sizes, [1] * len(sizes), least, budget - 1, mark)
        found = [
            member if size <= share else self._fit(member, share)
            for member, size, share in zip(value[:count], sizes, shares, strict=False)
        ]
        if count < len(value):
            said = more(len(value) - count, "members")
            found.append({"type": "text", "content": said} if objects else said)
        return found

    def _text(self, value: str, size: int, encode: Callable[[str], bytes], behind: int = 0) -> str:
        """The longest start of ``value`` that fits with its mark."""
        # As far as a secret at the cut may reach.
        seen = max(size, 0) + _LONGEST_SECRET + 1
        window, behind = unicode.clean(value[:seen]), max(len(value) - seen, 0) + behind
        start = window[: max(size, 0)]
        raw = encode(start)
        if len(raw) <= size and len(start) == len(window) + behind:
            return start
        room = max(size - _MARK, 0)
        if len(raw) > room:
            start = _decoded(raw[:room], encode)
        end = safe_end(window, len(start))
        left_out = len(window) - end + behind
        self.characters += left_out
        mark = more(left_out, "characters")
        return window[:end] + mark if len(mark.encode()) <= size else MORE


def safe_end(text: str, end: int) -> int:
    """The last place up to ``end`` where a cut leaves no piece of a secret."""
    if end >= len(text) or _END.match(text, end):
        return min(end, len(text))
    first = max(end - _LONGEST_SECRET, 0)
    start = first
    for found in _END.finditer(text, first, end):
        start = found.end()
    if start == first and first > 0:
        return end
    following = _END.search(text, end, start + _LONGEST_SECRET + 1)
    last = following.start() if following else min(len(text), start + _LONGEST_SECRET + 1)
    word = text[start:last]
    # Of one letter again and again, or a plain word.
    plain = word.isalpha() and (word.islower() or word.isupper())
    if plain and _TELLING.search(text, max(start - _NEAR, 0), start) is not None:
        # It may be a password, of which half is as bad.
        plain = False
    harmless = plain or len(word) > _LONGEST_SECRET
    return end if harmless else start


def shrunk(item: Any, limit: int) -> tuple[bytes, int]:
    """``item`` as JSON of at most ``limit`` bytes, and how many characters were left out."""
    cut = Cut()
    return wire.dumps(cut.shrunk(item, limit)), cut.characters


def exceeds(value: Any, limit: int) -> bool:
    """Whether JSON data surely is longer than ``limit``: found without writing it."""
    left = limit
    waiting = [value]
    while waiting and left >= 0:
        value = waiting.pop()
        if type(value) is str:
            left -= len(value)
        elif type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value
        left -= 1
    return left < 0


def refit(piece: bytes, limit: int) -> bytes:
    """JSON that may have grown, again within its limit."""
    if len(piece) <= limit:
        return piece
    return shrunk(wire.loads(piece), limit)[0]


def begun(text: str, size: int) -> tuple[str, int]:
    """About ``size`` characters of a text for a look at them, and how many are behind these."""
    end = safe_end(text, size)
    return text[:end], len(text) - end


def shortened(text: str, size: int) -> str:
    """``text`` in at most ``size`` bytes of UTF-8, marked where it was cut."""
    return Cut().text(text, size)


def fit(sizes: list[int], budget: int) -> tuple[list[int], int]:
    """Which of a list's members fit, and the bytes that are left: the middle goes, oldest first."""
    total = sum(sizes) + len(sizes) + 1
    dropped = 0
    # The first one says what all is about; the others go from the oldest on.
    while total > budget and len(sizes) - dropped > 2:
        dropped += 1
        total -= sizes[dropped] + 1
    kept = [0, *range(dropped + 1, len(sizes))] if sizes else []
    while total > budget and kept:
        total -= sizes[kept.pop(0)] + 1
    return kept, budget - total


def _least(members: Iterable[Any], sizes: list[int], budget: int) -> list[int]:
    """How many bytes each member needs to say something."""
    many = max(_LEAST, min(_LEAST_MEMBERS, budget * 3 // 4))
    return [
        min(size, _LEAST if type(member) is str else many)
        for member, size in zip(members, sizes, strict=True)
    ]


def _shares(
    sizes: list[int], fixed: list[int], least: list[int], budget: int, mark: int
) -> tuple[list[int], int]:
    """How many bytes each member gets, and how many members are kept.

    Small ones get what they need, the others alike. Where that is too little to say anything, the
    last members go.
    """
    count = len(sizes)
    level = _level(sizes, budget - sum(fixed))
    if any(level < needed for needed in least):
        budget -= mark + 1
        used = count = 0
        for needed, more_bytes in zip(least, fixed, strict=True):
            used += needed + more_bytes
            if used > budget:
                break
            count += 1
        sizes = sizes[:count]
        level = _level(sizes, budget - sum(fixed[:count]))
    return [min(size, level) for size in sizes], count


def _level(sizes: list[int], budget: int) -> int:
    """The height to which water rises: the sum of what is below it is the budget."""
    left = budget
    ordered = sorted(sizes)
    for position, size in enumerate(ordered):
        each = left // (len(ordered) - position)
        if size > each:
            return max(each, 0)
        left -= size
    return max(ordered, default=0)


def _key(key: str) -> int:
    return len(wire.dumps(key)) + 1


def _inner(text: str) -> bytes:
    """A text's JSON without its quotes."""
    return wire.dumps(text)[1:-1]


def _decoded(raw: bytes, encode: Callable[[str], bytes]) -> str:
    """The text that a start of its bytes stands for, without what was cut in two."""
    if encode is not _inner:
        return raw.decode("utf-8", "ignore")
    # An escape that is incomplete: a backslash, or one with ``u`` and up to three digits.
    begun = raw.rfind(b"\\u", max(len(raw) - 5, 0))
    for at in (begun, len(raw) - 1):
        if at >= 0 and _escapes(raw, at):
            raw = raw[:at]
            break
    found: str = wire.loads(b'"' + raw.decode("utf-8", "ignore").encode() + b'"')
    return found


def _escapes(raw: bytes, at: int) -> bool:
    """Whether the byte at a place is a backslash that begins an escape."""
    if raw[at : at + 1] != b"\\":
        return False
    run = at + 1 - len(raw[: at + 1].rstrip(b"\\"))
    return run % 2 == 1
