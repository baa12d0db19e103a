"""What a candidate looks like: the words and marks that secrets stand behind.

Data alone: :mod:`candidates` looks for it place by place, :mod:`scanner` in a text as a whole.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeAlias

from otelier.expressions import later


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
LEAST: Final = 16
WORDS: Final = (
    b"pass", b"pwd", b"secret", b"credential", b"key", b"token", b"authorization", b"cookie",
)  # fmt: skip
# `key` alone is everywhere.
KEYS: Final = (
    b"api", b"access", b"private", b"secret", b"account", b"master", b"signing", b"encryption",
    b"shared", b"auth",
)  # fmt: skip
# In JSON a letter may be written as an escape, whose own backslash may be escaped again: a space,
# an apostrophe or a quote, what joins a name to its value, a slash.
_ESCAPED: Final = rb"\\++"
_ANY: Final = {
    b"space": rb"(?:\s|" + _ESCAPED + rb"(?:[nrtf]|u00(?:0[9a-d]|20)))",
    b"quote": rb"(?:\\*+[\"'`]|" + _ESCAPED + rb"u00(?:2[27]|60))",
    b"apostrophe": rb"(?:'|" + _ESCAPED + rb"u0027)",
    b"join": rb"(?:[:=>]|" + _ESCAPED + rb"u003[ade])",
    b"equals": rb"(?:=|" + _ESCAPED + rb"u003d)",
}
# The rest of a name, and what comes between it and a value. Looked for in lower case.
VALUED: Final = later(
    rb"[\w-]{0,24}(?:(?:%(quote)b\]?|\*\*|\])?%(space)b{0,8}"
    rb"(?:%(join)b|(?:is|was|are)(?:%(space)b|:)|%(apostrophe)bs%(space)b"
    rb"|[a-z][\w.]{0,20}%(space)b{0,4}%(equals)b|,?%(space)b{0,2}\s{0,32}(?:%(quote)b|\\*+)value)"
    # Of a pair; of a name that is a value itself: `("password", "…")`, `{"name": "password", …}`.
    rb"|%(quote)b%(space)b{0,8}[,}])" % _ANY
)
# In front of a host, as some write it in JSON.
ESCAPED_URL: Final = later(rb":\\++/\\++/")
# Options, and the commands that take a password by them.
OPTIONS: Final = {
    b" -p": (b"mysql", b"mariadb", b"sshpass", b" login"),
    b" -u": (b"curl",),
    b" --user": (b"curl",),
    b" --proxy-user": (b"curl",),
    b" -a": (b"redis-cli",),
}
PHRASES: Final = (b"identified ", b"machine ", b"default login ")
GIVEN: Final = later(
    rb"(?:encrypted|with|login|(?:user|role)%(space)b{1,4}(?:[\w\"]|\\++\"){1,64})%(space)b{1,4}\Z"
    % _ANY
)
SCHEMES: Final = (b"bearer ", b"basic ")
PEM: Final = b"-----begin "

# What a place is known by stands in so many bytes before it and behind, but for a URL's `@` and an
# option's command, and where not that many backslashes stand in a row.
BEFORE: Final = 80
BEHIND: Final = 336
ESCAPES: Final = b"\\" * 16
