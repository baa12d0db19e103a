"""Finding candidates: where in UTF-8 text a secret may be. No judgement.

Nearly every text has none, and :mod:`otelier.redaction.scanner` can tell in one pass that this is
one of them. Where it cannot, plain searches find the places, and :mod:`otelier.redaction.judge`
decides there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otelier.redaction import scanner, signs
from otelier.redaction.issuers import DOTTED, HEADS, PREFIX
from otelier.redaction.signs import Place, Sign

_RUN: Final = b"x" * signs.LEAST
_RUNS: Final = bytes(
    ord("x") if (byte < 128 and chr(byte).isalnum()) or chr(byte) in "-_" else 32
    for byte in range(256)
)


def find(data: bytes) -> list[Place]:
    """The places of ``data`` that are worth a look, in order."""
    return [] if scanner.clean(data) else search(data)


def search(data: bytes) -> list[Place]:
    """The same by plain searches alone."""
    lowered = data.lower()
    found = [*_runs(data), *_words(lowered)]
    for word in signs.SCHEMES:
        found += [(at, Sign.SCHEME) for at in _all(lowered, word)]
    if b"@" in data:
        found += [(at, Sign.URL) for at in _all(data, b"://")]
    for word in signs.PHRASES:
        found += [(at, Sign.PHRASE) for at in _all(lowered, word)]
    for at in _all(lowered, b"password '"):
        given = signs.GIVEN.search(lowered, max(at - 80, 0), at)
        if given is not None:
            found.append((given.start(), Sign.PHRASE))
    if b"-" in data:
        found += [(at, Sign.OPTION) for at in _options(lowered)]
        found += [(at, Sign.PEM) for at in _all(lowered, signs.PEM)]
    found.sort()
    return found


def _all(data: bytes, word: bytes) -> Iterator[int]:
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + len(word))


def _runs(data: bytes) -> Iterator[Place]:
    """Runs of key letters that begin as an issuer's keys do."""
    runs = data.translate(_RUNS)
    at = runs.find(_RUN)
    while at >= 0:
        end = runs.find(b" ", at + signs.LEAST)
        if end < 0:
            end = len(data)
        before = data[at - 1 : at]
        if before == b"\\":
            # Of an escape, as of a line break: `\\nsk-…`, `\\u000ask-…`.
            if any(PREFIX.match(data, first) for first in (at, at + 1, at + 5)):
                yield at, Sign.RUN
        elif (data[at : at + 2] in HEADS and PREFIX.match(data, at) is not None) or (
            before == b"." and data[max(at - 5, 0) : at].endswith(DOTTED)
        ):
            yield at, Sign.RUN
        at = runs.find(_RUN, end)


def _words(lowered: bytes) -> Iterator[Place]:
    """Telling words, with something like a value after them or a flag before."""
    valued = signs.VALUED.match
    for word in signs.WORDS:
        for at in _all(lowered, word):
            if word == b"key" and not _before_key(lowered, at):
                continue
            flag = lowered.rfind(b"--", max(at - 32, 0), at) >= 0
            if flag or valued(lowered, at + len(word)):
                yield at, Sign.WORD


def _before_key(lowered: bytes, at: int) -> bool:
    return lowered[max(at - 12, 0) : at].rstrip(b"_- ").endswith(signs.KEYS)


def _options(lowered: bytes) -> Iterable[int]:
    """The options by which the commands that stand anywhere in the text take a password."""
    options = {each for command, its in signs.OPTIONS if command in lowered for each in its}
    return (at + 1 for option in options for at in _all(lowered, option))
