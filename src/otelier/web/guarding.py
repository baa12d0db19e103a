"""Who may come in: who is on this machine, or has the token; no page of another site."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from otelier.web.refusing import RefusedError, refusal

# What the page that asks for the token is made with.
_EVERYBODYS: Final = "/static/"
_READING: Final = ("GET", "HEAD")
# Where a form asks what is too long for a URL, and changes nothing.
_ASKED: Final = frozenset({"/sql", "/sql.csv", "/sql.json"})
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Door:
    """What is asked of each request."""

    # Demanded as ``Authorization: Bearer TOKEN``; None for everybody who reaches the address.
    token: str | None
    # Whether it is reached from this machine only. Then nobody names it by a domain but a page that
    # had its own domain point here (DNS rebinding). From elsewhere it may have any name, and such a
    # page lacks the token.
    loopback: bool
    # Whether there are pages: then a browser may bring the token in a link, and keeps it.
    pages: bool = False


class Guard:
    """ASGI middleware that lets requests through a door, or refuses them."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on if it may come in."""
        if scope["type"] == "http":
            stopped = _stopped(scope, self.door)
            if stopped is not None:
                await stopped(scope, receive, send)
                return
        await self.app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own, for itself alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _stopped(scope: Scope, door: Door) -> Response | None:
    """What is answered instead of what was asked for; None for who may come in."""
    headers = Headers(scope=scope)
    refused = _wrong(scope["method"], headers, door)
    if refused is not None:
        return refusal(refused)
    if door.token is None or _has(headers, door.token):
        return None
    if door.pages and scope["path"].startswith(_EVERYBODYS):
        return None
    # What changes something is for programs, which bring the token each time.
    if door.pages and (scope["method"] in _READING or scope["path"] in _ASKED):
        from otelier.web import entrance

        connection = HTTPConnection(scope)
        if entrance.remembers(connection, door.token):
            return None
        if entered := entrance.entered(connection, door.token):
            return entered
        if "text/html" in headers.get("accept", ""):
            return entrance.asks(connection)
    return refusal(
        RefusedError(401, "the header `Authorization: Bearer TOKEN` is missing or wrong")
    )


def _wrong(method: str, headers: Headers, door: Door) -> RefusedError | None:
    host = headers.get("host", "")
    named = _HOST.fullmatch(host)
    if door.loopback and not (named and is_loopback(named[1])):
        return RefusedError(403, f"this is not {host[:200] or 'a host without a name'}")
    # Browsers ask ahead for what a page elsewhere names (speculation rules), and say then that it
    # was the reader. Nobody loses by a refusal: who goes there asks again.
    if "prefetch" in headers.get("sec-purpose", ""):
        return RefusedError(403, "nothing is answered ahead")
    # A page elsewhere can send requests here, though it cannot read the answers. A link to here,
    # which a person follows, is no such request; a form is. Nor is a frame, which would show
    # nothing, but tell by the time that it takes what is found here.
    asker = headers.get("sec-fetch-site", "none")
    followed = (
        method in _READING
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )
    if asker not in ("none", "same-origin") and not followed:
        return RefusedError(403, "pages of other sites may not ask")
    return None


def _has(headers: Headers, token: str) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # In constant time, so that nobody finds the token out letter by letter.
    return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())
