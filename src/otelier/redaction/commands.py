"""Passwords in command lines, SQL and `.netrc`: places where no `=` or `:` joins name and value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from otelier.redaction import values

# As far back as the command of an option is looked for.
_BACK: Final = 1024
# A line that a backslash ends goes on in the next one.
_LINE_END: Final = re.compile(rb"(?<!\\)\n|[;|&]")
_BEFORE: Final = re.compile(
    rb"(?:\A|[\s;|&(\"'`$/])(?:(?:helm registry|docker|podman|nerdctl|oras|az))?\Z"
)
_WORD: Final = (
    rb"(?:\"(?P<double>[^\"\n]{1,256})\"|'(?P<single>[^'\n]{1,256})'"
    rb"|(?P<bare>[^\s\"'`|;&<>]{1,256}))"
)
_USER: Final = re.compile(
    rb"(?:-u|-U|--user|--proxy-user)[ =]{0,4}"
    rb"(?:\"[^\"\n:]{0,128}:(?P<double>[^\"\n]{1,256})\""
    rb"|'[^'\n:]{0,128}:(?P<single>[^'\n]{1,256})'"
    rb"|[^\s\"'`:]{0,128}:(?P<bare>(?!//)[^\s\"'`|;&<>]{1,256}))"
)
_ATTACHED: Final = re.compile(rb"-p" + _WORD)
_APART: Final = re.compile(rb"-p[ =]{1,4}" + _WORD)
_EITHER: Final = re.compile(rb"-p[ =]{0,4}" + _WORD)
_REDIS: Final = re.compile(rb"-a[ =]{1,4}" + _WORD)
# Commands, what else belongs to their names, and how they take a password.
_COMMANDS: Final = (
    (b"curl", re.compile(rb"\s"), _USER),
    (b"mysql", re.compile(rb"\w*\s"), _ATTACHED),
    (b"mariadb", re.compile(rb"[\w-]*\s"), _ATTACHED),
    (b"sshpass", re.compile(rb"\s"), _EITHER),
    (b"redis-cli", re.compile(rb"\s"), _REDIS),
    (b" login", re.compile(rb"\s"), _APART),
)
_SQL: Final = re.compile(
    rb"identified(?:\s{1,4}with\s{1,4}[\w'\"]{1,64})?\s{1,4}(?:by|as)(?:\s{1,4}password)?\s{1,4}"
    rb"'(?P<single>(?:[^'\n]|''){1,256})'"
    rb"|(?:encrypted|with|login|(?:user|role)\s{1,4}[\w\"]{1,64})\s{1,4}password\s{1,4}"
    rb"'(?P<other>(?:[^'\n]|''){1,256})'",
    re.IGNORECASE,
)
_NETRC: Final = re.compile(
    rb"(?:machine\s{1,8}\S{1,256}|default)\s{1,8}login\s{1,8}\S{1,256}\s{1,8}"
    rb"password\s{1,8}(?P<bare>\S{1,256})"
)


def option(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """The password that the option at ``at`` gives to its command, if it is one that takes some."""
    first = max(at - _BACK, 0)
    before = data[first : at + 1].lower()
    for name, rest, form in _COMMANDS:
        given = form.match(data, at)
        begun = before.rfind(name) if given is not None else -1
        if (
            begun >= 0
            and _BEFORE.search(before, max(begun - 16, 0), begun) is not None
            and rest.match(before, begun + len(name)) is not None
            and _LINE_END.search(before, begun) is None
        ):
            yield from _given(given)
            return


def phrase(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """The password of the SQL, or of the line of a `.netrc`, that begins at ``at``."""
    yield from _given(_SQL.match(data, at) or _NETRC.match(data, at))


def _given(match: re.Match[bytes] | None) -> Iterator[tuple[int, int]]:
    if match is None or match.lastgroup is None:
        return
    value = match[match.lastgroup]
    if not values.stand_in(value) and not values.said(value):
        yield match.span(match.lastgroup)
