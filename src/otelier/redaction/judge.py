"""Judging candidates in free text: prose, code, logs, configuration, cut-off JSON.

Only what has a key's form goes, and what stands where people and programs write secrets. In code a
name's value is mostly an expression; in prose it is mostly the rest of a sentence.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final, TypeAlias

from otelier.expressions import later
from otelier.redaction import assigned, issuers, letters, values
from otelier.redaction.signs import Place, Sign

MARK: Final = b"[REDACTED]"

# Start, end of what is a secret.
Span: TypeAlias = tuple[int, int]

_SCHEME: Final = later(rb"(?:bearer|basic)\s{1,4}(?P<value>[A-Za-z0-9._~+/=-]{6,})", re.IGNORECASE)
_USERINFO: Final = later(
    rb":(?:\\{0,15}/){2}[^\s/:@\"'\\\[\](){}<>$]{0,256}:(?P<value>[^\s/\"'\\]{1,256})@"
)
# Of databases, where passwords are written as they are: with `/` and `@`.
_DATABASE: Final = later(
    rb"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|oracle|clickhouse|cockroachdb"
    rb"|snowflake)(?:\+\w{1,16})?\Z",
    re.IGNORECASE,
)
_DATABASE_USERINFO: Final = later(
    rb":(?:\\{0,15}/){2}[^\s/:@\"'\\\[\](){}<>$]{0,256}:(?!\d{1,5}[/\s])(?P<value>[^\s\"'`\\<>?]{1,256})@"
    rb"[\w.-]{1,256}(?::\d{1,5})?(?:[/?,\s\"'`)\]};]|\Z)"
)
_PEM: Final = later(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END: Final = later(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Lines of base64, of which the last may be short; line breaks may be escaped, lines quoted.
_BODY: Final = later(rb"(?:(?:\s|\\{1,31}[nr]|[>#|]){0,16}[A-Za-z0-9+/=]{16,}+)+")
_CODE: Final = later(rb"[(<{_]| [+=]")
_NO_BODY: Final = later(rb"\\{1,31}[nr]|[^A-Za-z0-9+/=]")

# --- commands, SQL, .netrc: no `=` or `:` joins name and value
# As far back as the command of an option is looked for.
_BACK: Final = 1024
# A line that a backslash ends goes on in the next one.
_LINE_END: Final = later(rb"(?<!\\)\n|[;|&]")
_COMMAND_BEFORE: Final = later(
    rb"(?:\A|[\s;|&(\"'`$/])(?:(?:helm registry|docker|podman|nerdctl|oras|az))?\Z"
)
_WORD: Final = (
    rb"(?:\"(?P<double>[^\"\n]{1,256})\"|'(?P<single>[^'\n]{1,256})'"
    rb"|(?P<bare>[^\s\"'`|;&<>]{1,256}))"
)
_USERPASS: Final = later(
    rb"(?:-u|-U|--user|--proxy-user)[ =]{0,4}"
    rb"(?:\"[^\"\n:]{0,128}:(?P<double>[^\"\n]{1,256})\""
    rb"|'[^'\n:]{0,128}:(?P<single>[^'\n]{1,256})'"
    rb"|[^\s\"'`:]{0,128}:(?P<bare>(?!//)[^\s\"'`|;&<>]{1,256}))"
)
_ATTACHED: Final = later(rb"-p" + _WORD)
_APART: Final = later(rb"-p[ =]{1,4}" + _WORD)
_EITHER: Final = later(rb"-p[ =]{0,4}" + _WORD)
_REDIS: Final = later(rb"-a[ =]{1,4}" + _WORD)
# Commands, what else belongs to their names, and how they take a password.
_COMMANDS: Final = (
    (b"curl", later(rb"\s"), _USERPASS),
    (b"mysql", later(rb"\w*\s"), _ATTACHED),
    (b"mariadb", later(rb"[\w-]*\s"), _ATTACHED),
    (b"sshpass", later(rb"\s"), _EITHER),
    (b"redis-cli", later(rb"\s"), _REDIS),
    (b" login", later(rb"\s"), _APART),
)
_SQL: Final = later(
    rb"identified(?:\s{1,4}with\s{1,4}[\w'\"]{1,64})?\s{1,4}(?:by|as)(?:\s{1,4}password)?\s{1,4}"
    rb"'(?P<single>(?:[^'\n]|''){1,256})'"
    rb"|(?:encrypted|with|login|(?:user|role)\s{1,4}[\w\"]{1,64})\s{1,4}password\s{1,4}"
    rb"'(?P<other>(?:[^'\n]|''){1,256})'",
    re.IGNORECASE,
)
_NETRC: Final = later(
    rb"(?:machine\s{1,8}\S{1,256}|default)\s{1,8}login\s{1,8}\S{1,256}\s{1,8}"
    rb"password\s{1,8}(?P<bare>\S{1,256})"
)


def secrets(data: bytes, places: list[Place], keep: frozenset[str]) -> list[Span]:
    """Where secrets are in free text, in order and apart from each other."""
    found: list[Span] = []
    done = 0
    ended = True
    for at, sign in places:
        if at < done and sign is not Sign.RUN:
            continue
        if sign is Sign.WORD:
            spans = assigned.value(data, at, keep)
        elif sign is Sign.RUN:
            spans = _issued(data, max(at, done))
        elif sign is Sign.SCHEME:
            spans = _scheme(data, at)
        elif sign is Sign.URL:
            spans = _userinfo(data, at)
        elif sign is Sign.OPTION:
            spans = _option(data, at)
        elif sign is Sign.PHRASE:
            spans = _phrase(data, at)
        else:
            ended = ended and data.find(b"-----END ", at) >= 0
            spans = _pem(data, at, ended)
        for start, end in spans:
            if end > done:
                found.append((start, end))
                done = end
    return _apart([letters.whole(data, *span) for span in found])


def _apart(found: list[Span]) -> list[Span]:
    found.sort()
    merged: list[Span] = []
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def replaced(data: bytes, found: list[Span]) -> bytes:
    """``data`` with the mark in the place of each span."""
    pieces: list[bytes] = []
    done = 0
    for start, end in found:
        pieces += (data[done:start], MARK)
        done = end
    pieces.append(data[done:])
    return b"".join(pieces)


def _issued(data: bytes, at: int) -> Iterator[Span]:
    """Keys in the run of key letters at ``at``."""
    first = max(at - 8, 0)
    end = _RUN_END.search(data, at)
    last = end.start() if end is not None else len(data)
    while True:
        # What begins behind the run is not looked for: a text may have many runs.
        begun = issuers.BEGUN.search(data, first, last + issuers.LONGEST_PREFIX)
        if begun is None or begun.start() >= last:
            return
        first = begun.end()
        match = issuers.KEY.match(data, begun.start())
        if match is None:
            continue
        first = match.end()
        group = match.lastgroup
        if group is None or values.made(match[group], group.startswith("sure")):
            yield match.span()
            last = max(last, match.end())


_RUN_END: Final = later(rb"[^A-Za-z0-9_-]")


def _scheme(data: bytes, at: int) -> Iterator[Span]:
    match = _SCHEME.match(data, at)
    if match is None:
        return
    value = match["value"]
    before = data[max(at - 24, 0) : at].lower()
    if values.stand_in(value) or values.said(value):
        return
    if b"authorization" in before:
        yield match.span("value")
    elif data[at : at + 2].lower() == b"be":
        if len(value) >= 12 and (values.token(value) or (len(value) >= 20 and values.made(value))):
            yield match.span("value")
    elif _userpass(value):
        yield match.span("value")


def _userpass(value: bytes) -> bool:
    try:
        shown = b64decode(value[:256] + b"=" * (-len(value[:256]) % 4), validate=True)
        return b":" in shown and shown.decode().isprintable()
    except ValueError:
        return False


def _userinfo(data: bytes, at: int) -> Iterator[Span]:
    match = None
    if _DATABASE.search(data, max(at - 32, 0), at) is not None:
        match = _DATABASE_USERINFO.match(data, at)
    match = match or _USERINFO.match(data, at)
    if match is not None and not values.stand_in(match["value"]):
        yield match.span("value")


def _pem(data: bytes, at: int, ended: bool) -> Iterator[Span]:
    match = _PEM.match(data, at)
    if match is None:
        return
    last = _PEM_END.search(data, match.end()) if ended else None
    if last is not None and data.find(b"-----BEGIN ", match.end(), last.start()) < 0:
        body = data[match.end() : last.start()]
        if _CODE.search(body) is None and len(_NO_BODY.sub(b"", body)) >= 6:
            yield match.start(), last.end()
        return
    # It was cut.
    body_found = _BODY.match(data, match.end())
    if body_found is not None:
        yield match.start(), body_found.end()


def _option(data: bytes, at: int) -> Iterator[Span]:
    """The password that the option at ``at`` gives to its command, if it is one that takes some."""
    first = max(at - _BACK, 0)
    before = data[first : at + 1].lower()
    for name, rest, form in _COMMANDS:
        given = form.match(data, at)
        begun = before.rfind(name) if given is not None else -1
        if (
            begun >= 0
            and _COMMAND_BEFORE.search(before, max(begun - 16, 0), begun) is not None
            and rest.match(before, begun + len(name)) is not None
            and _LINE_END.search(before, begun) is None
        ):
            yield from _given(given)
            return


def _phrase(data: bytes, at: int) -> Iterator[Span]:
    """The password of the SQL, or of the line of a `.netrc`, that begins at ``at``."""
    yield from _given(_SQL.match(data, at) or _NETRC.match(data, at))


def _given(match: re.Match[bytes] | None) -> Iterator[Span]:
    if match is None or match.lastgroup is None:
        return
    value = match[match.lastgroup]
    if not values.stand_in(value) and not values.said(value):
        yield match.span(match.lastgroup)
