"""Whether the reader asked for something heavy, or a page of another site through their browser.

A link from elsewhere is followed, but runs nothing that takes long: any page can open it, in a
frame or in a window of its own, and nobody notices.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

_OURS: Final = ("none", "same-origin")


def asked(connection: HTTPConnection) -> bool:
    """Whether the reader did: typed the address, or used a page of ours."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in _OURS
    # Programs bring the token. Browsers say nothing of the site where there is no TLS and it is not
    # this machine; then they have a cookie that no other site's pages make them send.
    return "authorization" in connection.headers or _cookie(connection) in connection.cookies


def mark(response: Response, connection: HTTPConnection) -> None:
    """Give the browser the cookie by which its reader is known."""
    response.set_cookie(_cookie(connection), "1", httponly=True, samesite="strict")


def _cookie(connection: HTTPConnection) -> str:
    # A browser sends one host's cookies to all of its ports.
    return f"otelier-reader-{connection.url.port or 80}"
