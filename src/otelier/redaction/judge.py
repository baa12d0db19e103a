"""Judging candidates in free text: prose, code, logs, configuration, cut-off JSON.

Only what has a key's form goes, and what stands where people and programs write secrets. In code a
name's value is mostly an expression; in prose it is mostly the rest of a sentence.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final, TypeAlias

from otelier.redaction import assigned, commands, issuers, values
from otelier.redaction.candidates import Place, Sign

MARK: Final = b"[REDACTED]"

# Start, end of what is a secret.
Span: TypeAlias = tuple[int, int]

_SCHEME: Final = re.compile(
    rb"(?:bearer|basic)\s{1,4}(?P<value>[A-Za-z0-9._~+/=-]{6,})", re.IGNORECASE
)
_USERINFO: Final = re.compile(rb"://[^\s/:@\"'\\\[\](){}<>$]{0,256}:(?P<value>[^\s/\"'\\]{1,256})@")
# Of databases, where passwords are written as they are: with `/` and `@`.
_DATABASE: Final = re.compile(
    rb"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|oracle|clickhouse|cockroachdb"
    rb"|snowflake)(?:\+\w{1,16})?\Z",
    re.IGNORECASE,
)
_DATABASE_USERINFO: Final = re.compile(
    rb"://[^\s/:@\"'\\\[\](){}<>$]{0,256}:(?!\d{1,5}[/\s])(?P<value>[^\s\"'`\\<>?]{1,256})@"
    rb"[\w.-]{1,256}(?::\d{1,5})?(?:[/?,\s\"'`)\]};]|\Z)"
)
_PEM: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END: Final = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# Lines of base64, of which the last may be short; line breaks may be escaped, lines quoted.
_BODY: Final = re.compile(rb"(?:(?:\s|\\{1,31}[nr]|[>#|]){0,16}[A-Za-z0-9+/=]{16,}+)+")
_CODE: Final = re.compile(rb"[(<{_]| [+=]")
_NO_BODY: Final = re.compile(rb"\\{1,31}[nr]|[^A-Za-z0-9+/=]")


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
            spans = commands.option(data, at)
        elif sign is Sign.PHRASE:
            spans = commands.phrase(data, at)
        else:
            ended = ended and data.find(b"-----END ", at) >= 0
            spans = _pem(data, at, ended)
        for start, end in spans:
            if end > done:
                found.append((start, end))
                done = end
    return _apart(found)


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
    for match in issuers.KEY.finditer(data, first):
        if match.start() >= last:
            break
        group = match.lastgroup
        if group is None or values.made(match[group], group.startswith("sure")):
            yield match.span()
            last = max(last, match.end())


_RUN_END: Final = re.compile(rb"[^A-Za-z0-9_-]")


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
