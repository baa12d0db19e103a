"""Finding candidates: where in UTF-8 text a secret may be. One cheap pass, no judgement.

Everything here is a plain search; :mod:`otelier.redaction.judge` decides at the places found. A
faster scanner needs to replace :func:`find` alone: it may find more places, never fewer.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeAlias

from otelier.expressions import later
from otelier.redaction.issuers import DOTTED, HEADS, PREFIX


class Sign(IntEnum):
    """What was seen at a place."""

    # A run of key letters that begins with an issuer's prefix.
    RUN = 0
    # A telling word of a name, with something like a value after it.
    WORD = 1
    # `Bearer` or `Basic`.
    SCHEME = 2
    # `://` in a text with an `@`.
    URL = 3
    # The first line of a PEM block.
    PEM = 4
    # An option of a command that takes a password by it, `-p`.
    OPTION = 5
    # SQL that gives a password, a line of a `.netrc`.
    PHRASE = 6


# Where, and what.
Place: TypeAlias = tuple[int, Sign]

# Every key that an issuer's form knows has this many letters of a run at its beginning.
_LEAST: Final = 16
_RUN: Final = b"x" * _LEAST
_RUNS: Final = bytes(
    ord("x") if (byte < 128 and chr(byte).isalnum()) or chr(byte) in "-_" else 32
    for byte in range(256)
)

_WORDS: Final = (
    b"pass", b"pwd", b"secret", b"credential", b"key", b"token", b"authorization", b"cookie",
)  # fmt: skip
# `key` alone is everywhere.
_KEYS: Final = (
    b"api", b"access", b"private", b"secret", b"account", b"master", b"signing", b"encryption",
    b"shared", b"auth",
)  # fmt: skip
# The rest of a name, and what comes between it and a value. Looked for in lower case.
_VALUED: Final = later(
    rb"[\w-]{0,24}(?:\\*+[\"'`]\]?|\*\*|\])?\s{0,8}"
    rb"(?:[:=>]|(?:is|was|are)[\s:]|'s\s|[a-z][\w.]{0,20}\s{0,4}=|,?\s{0,32}\\*+[\"']?value)"
    # Of a pair; of a name that is a value itself: `("password", "…")`, `{"name": "password", …}`.
    rb"|[\w-]{0,24}\\*+[\"']\s{0,8}[,}]"
)
# Commands, and their options.
_OPTIONS: Final = (
    (b"curl", (b" -u", b" --user", b" --proxy-user")),
    (b"mysql", (b" -p",)),
    (b"mariadb", (b" -p",)),
    (b"sshpass", (b" -p",)),
    (b" login", (b" -p",)),
    (b"redis-cli", (b" -a",)),
)
_PHRASES: Final = (b"identified ", b"machine ", b"default login ")
_GIVEN: Final = later(rb"(?:encrypted|with|login|(?:user|role)\s{1,4}[\w\"]{1,64})\s{1,4}\Z")
_SCHEMES: Final = (b"bearer ", b"basic ")
_PEM: Final = b"-----begin "


def find(data: bytes) -> list[Place]:
    """The places of ``data`` that are worth a look, in order."""
    lowered = data.lower()
    found: list[Place] = []
    runs = data.translate(_RUNS)
    at = runs.find(_RUN)
    while at >= 0:
        end = runs.find(b" ", at + _LEAST)
        if end < 0:
            end = len(data)
        before = data[at - 1 : at]
        if before == b"\\":
            # Of an escape, as of a line break: `\\nsk-…`, `\\u000ask-…`.
            for first in (at, at + 1, at + 5):
                if PREFIX.match(data, first) is not None:
                    found.append((at, Sign.RUN))
                    break
        elif (data[at : at + 2] in HEADS and PREFIX.match(data, at) is not None) or (
            before == b"." and data[max(at - 5, 0) : at].endswith(DOTTED)
        ):
            found.append((at, Sign.RUN))
        at = runs.find(_RUN, end)
    valued = _VALUED.match
    for word in _WORDS:
        at = lowered.find(word)
        while at >= 0:
            after = at + len(word)
            flag = lowered.rfind(b"--", max(at - 32, 0), at) >= 0
            if (word != b"key" or _before_key(lowered, at)) and (flag or valued(lowered, after)):
                found.append((at, Sign.WORD))
            at = lowered.find(word, after)
    for word in _SCHEMES:
        at = lowered.find(word)
        while at >= 0:
            found.append((at, Sign.SCHEME))
            at = lowered.find(word, at + len(word))
    if b"@" in data:
        at = data.find(b"://")
        while at >= 0:
            found.append((at, Sign.URL))
            at = data.find(b"://", at + 3)
    options = {each for command, its in _OPTIONS if command in lowered for each in its}
    for word in options:
        at = lowered.find(word)
        while at >= 0:
            found.append((at + 1, Sign.OPTION))
            at = lowered.find(word, at + len(word))
    for word in _PHRASES:
        at = lowered.find(word)
        while at >= 0:
            found.append((at, Sign.PHRASE))
            at = lowered.find(word, at + len(word))
    at = lowered.find(b"password '")
    while at >= 0:
        given = _GIVEN.search(lowered, max(at - 80, 0), at)
        if given is not None:
            found.append((given.start(), Sign.PHRASE))
        at = lowered.find(b"password '", at + 10)
    at = lowered.find(_PEM)
    while at >= 0:
        found.append((at, Sign.PEM))
        at = lowered.find(_PEM, at + len(_PEM))
    found.sort()
    return found


def _before_key(lowered: bytes, at: int) -> bool:
    return lowered[max(at - 12, 0) : at].rstrip(b"_- ").endswith(_KEYS)
