"""How a browser shows the token: once in a link, and from then on as a cookie."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from otelier.web.pages.rendering import render

_NAME: Final = "token"
_AS_IT_CAME: Final = "/%:@!$&'()*+,;="


def link(url: str, token: str | None) -> str:
    """The URL that lets a browser in."""
    return url if token is None else f"{url}/?{urlencode({_NAME: token})}"


def remembers(connection: HTTPConnection, token: str) -> bool:
    """Whether the browser has been let in before."""
    given = connection.cookies.get(_cookie(connection), "")
    return compare_digest(given.encode(), _worth(token).encode())


def entered(connection: HTTPConnection, token: str) -> Response | None:
    """What lets a browser in that brings the token in its URL; None where it does not."""
    pairs = parse_qsl(connection.url.query, keep_blank_values=True)
    given = [value for name, value in pairs if name == _NAME]
    if not any(compare_digest(value.encode(), token.encode()) for value in given):
        return None
    rest = urlencode([(name, value) for name, value in pairs if name != _NAME])
    # Only a path, as it came: two slashes at its beginning would be another host.
    where = "/" + quote(connection.scope["raw_path"].lstrip(b"/"), safe=_AS_IT_CAME)
    response = RedirectResponse(f"{where}?{rest}" if rest else where, 303)
    # Not strict: a link from elsewhere to a span is followed by those who are in.
    response.set_cookie(_cookie(connection), _worth(token), httponly=True, samesite="lax")
    return response


def asks(connection: HTTPConnection) -> Response:
    """A page that asks for the token."""
    told = {"title": "A token is needed", "here": connection.url.path}
    return HTMLResponse(render("token.html", "", told), 401)


def _cookie(connection: HTTPConnection) -> str:
    # A browser sends one host's cookies to all of its ports.
    return f"otelier-{connection.url.port or 80}"


def _worth(token: str) -> str:
    """What stands for the token, so that others on this host who see it cannot send spans."""
    return sha256(f"otelier cookie {token}".encode()).hexdigest()
