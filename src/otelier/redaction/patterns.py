"""The user's own patterns of secrets: a file with one regular expression a line.

Empty lines and lines that begin with ``#`` are left out. A pattern sees the text itself, not its
JSON. So that none holds a call up: at most :data:`MOST` patterns of :data:`LONGEST` characters;
none repeats what is itself repeated without a bound (``(a+)+``); long texts are looked at in
windows of :data:`WINDOW` bytes, of which two share :data:`SHARED`, the longest match that is
certainly found there; and a text that takes longer than :data:`SECONDS` is left out as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from otelier import guard
from otelier.redaction import letters

MOST: Final = 200
LONGEST: Final = 1000
WINDOW: Final = 4096
SHARED: Final = 512
SECONDS = 0.25

_MARK: Final = b"[REDACTED]"
_FILE_BYTES: Final = 256 * 1024


class Pattern:
    """One regular expression of the user's."""

    __slots__ = ("_expression",)

    def __init__(self, expression: re.Pattern[bytes]) -> None:
        self._expression = expression

    def replaced(self, data: bytes) -> bytes:
        """``data`` with the mark in the place of each match; ``data`` itself without one."""
        pieces: list[bytes] = []
        done = 0
        until = perf_counter() + SECONDS
        for start, end in self._matches(data, until):
            pieces += (data[done:start], _MARK)
            done = end
        if perf_counter() > until:
            guard.say_once(
                "patterns.slow",
                "a pattern of OTELIER_REDACT_PATTERNS takes too long; such texts are left out",
            )
            return _MARK
        if not pieces:
            return data
        pieces.append(data[done:])
        return b"".join(pieces)

    def _matches(self, data: bytes, until: float) -> Iterator[tuple[int, int]]:
        done = 0
        first = 0
        size = len(data)
        while True:
            last = min(first + WINDOW, size)
            for match in self._expression.finditer(data, max(first, done), last):
                # Of a letter of several bytes it may be a part: then all of it goes, once.
                start, end = letters.whole(data, *match.span())
                if match.end() > max(match.start(), done):
                    yield max(start, done), end
                    done = end
            if last == size or perf_counter() > until:
                return
            first = last - SHARED


def load(path: Any) -> tuple[tuple[Pattern, ...], list[str], bool]:
    """The patterns of the file at ``path``, a line for each fault, and whether it could be read."""
    if not path:
        return (), [], True
    try:
        text = Path(path).read_bytes()[: _FILE_BYTES + 1].decode()
    except (OSError, TypeError, ValueError):
        return (), ["OTELIER_REDACT_PATTERNS names no file of text; content is left out."], False
    patterns: list[Pattern] = []
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fault = _fault(line)
        if fault is None and len(patterns) == MOST:
            faults.append(f"OTELIER_REDACT_PATTERNS: only the first {MOST} patterns are used.")
            break
        if fault is None:
            patterns.append(Pattern(re.compile(line.encode(), re.MULTILINE)))
        else:
            # The line is not repeated: it may be a secret itself.
            faults.append(f"OTELIER_REDACT_PATTERNS, line {number}: {fault}; it is not used.")
    return tuple(patterns), faults, True


def _fault(line: str) -> str | None:
    if len(line) > LONGEST:
        return f"longer than {LONGEST} characters"
    try:
        expression = re.compile(line.encode(), re.MULTILINE)
    except (re.error, RecursionError, OverflowError):
        return "no regular expression"
    if expression.match(b"") is not None:
        return "it matches nothing at all, and so everywhere"
    if _explodes(line):
        return "a repetition inside of a repetition, which can take for ever"
    return None


def _explodes(line: str) -> bool:
    try:
        parser = re._parser  # type: ignore[attr-defined]
        return _nested(parser.parse(line), False)
    except (AttributeError, re.error, RecursionError):
        return False


def _nested(part: Any, repeated: bool) -> bool:
    """Whether an unbounded repetition stands inside of another one."""
    if isinstance(part, tuple) and len(part) == 2 and str(part[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
        _, most, inner = part[1]
        many = int(most) > 64
        return (many and repeated) or _nested(inner, repeated or many)
    if isinstance(part, str | bytes | int) or part is None:
        return False
    try:
        return any(_nested(each, repeated) for each in part)
    except TypeError:
        return False
