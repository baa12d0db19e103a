"""Finding candidates: where in UTF-8 text a secret may be. No judgement.

Nearly every text has none, and :mod:`otelier.redaction.scanner` can tell in one pass that this is
one of them. Where it cannot, plain searches find the places, and :mod:`otelier.redaction.judge`
decides there.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """The same, where there is one probably."""
    found = _urls(data)
    for first, last in scanner.parts(data):
        begun = max(first - signs.BEFORE, 0)
        for at, sign in _local(data[begun : last + signs.BEHIND]):
            if first <= begun + at < last:
                found.append((begun + at, sign))
    return sorted(_commanded(data, found))


def plain(data: bytes) -> list[Place]:
    """The same by plain searches alone."""
    return sorted(_commanded(data, [*_urls(data), *_local(data)]))


def _urls(data: bytes) -> list[Place]:
    if b"@" not in data:
        return []
    found = [(at, Sign.URL) for at in _all(data, b"://")]
    if b"\\/" in data:
        found += [(match.start(), Sign.URL) for match in signs.ESCAPED_URL.finditer(data)]
    return found


def _commanded(data: bytes, found: list[Place]) -> list[Place]:
    """Places without the options of commands that are nowhere in the text."""
    if not any(sign is Sign.OPTION for _, sign in found):
        return found
    lowered = data.lower()
    options = tuple(
        option
        for option, commands in signs.OPTIONS.items()
        if any(command in lowered for command in commands)
    )
    return [
        (at, sign)
        for at, sign in found
        if sign is not Sign.OPTION or lowered.startswith(options, at - 1)
    ]


def _local(data: bytes) -> Iterator[Place]:
    """The places that are known by what stands around them."""
    lowered = data.lower()
    yield from _runs(data)
    yield from _words(lowered)
    for sign, words in ((Sign.SCHEME, signs.SCHEMES), (Sign.PHRASE, signs.PHRASES)):
        for word in words:
            for at in _all(lowered, word):
                yield at, sign
    for at in _all(lowered, b"password '"):
        given = signs.GIVEN.search(lowered, max(at - 80, 0), at)
        if given is not None:
            yield given.start(), Sign.PHRASE
    if b"-" in data:
        for at in _all(lowered, signs.PEM):
            yield at, Sign.PEM
        for option in signs.OPTIONS:
            for at in _all(lowered, option):
                yield at + 1, Sign.OPTION


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
