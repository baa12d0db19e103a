"""OTLP over HTTP: where to, with which headers, and what is answered."""

from __future__ import annotations

import argparse
import base64
import http.client
import ipaddress
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from otelier import urls

TRACES: Final = "/v1/traces"
LOGS: Final = "/v1/logs"
JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_TIMEOUT: Final = 30
_ANSWER_BYTES: Final = 1 << 20
_RETRY_AFTER: Final = "Retry-After"
# What HTTP takes: of a name, and of a value.
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def header(text: str) -> tuple[str, str]:
    """``NAME=VALUE``. Raises ArgumentTypeError, which does not repeat it: it may be a key."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not _NAME.fullmatch(name):
        raise argparse.ArgumentTypeError("write NAME=VALUE, such as 'Authorization=Bearer TOKEN'")
    if not _VALUE.fullmatch(value):
        raise argparse.ArgumentTypeError(f"the value of {name} has characters that no header has")
    return name, value


def add_headers(parser: argparse.ArgumentParser) -> None:
    """Declare the option that names headers (``header``)."""
    parser.add_argument(
        "--header",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=header,
        help="a header to send along, such as an API key; may be repeated",
    )


def endpoint(url: str, path: str = TRACES) -> str | None:
    """The URL that a signal is posted to; None if it is none of HTTP's."""
    try:
        parts = urls.split(_with_scheme(url))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    if not usable:
        return None
    base = parts.path.rstrip("/")
    for signal in (TRACES, LOGS):
        base = base.removesuffix(signal)
    return parts._replace(path=base + path, fragment="").geturl()


def shown(url: str) -> str:
    """The URL without what may be secret: who is asking, and the query."""
    try:
        parts = urls.split(_with_scheme(url))
        return parts._replace(netloc=_host(parts), query="", fragment="").geturl()
    except ValueError:
        return "(no URL)"


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


class UnreachableError(Exception):
    """Nobody answers at the URL."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered; ``retry_after`` is in seconds."""

    status: int
    body: bytes = b""
    retry_after: float | None = None


class Poster:
    """Posts to one URL."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """``url``: as :func:`endpoint` gives it; a user and a password in it become a header."""
        parts = urls.split(url)
        self.shown = shown(url)
        self._url = parts._replace(netloc=_host(parts)).geturl()
        self._headers = {"User-Agent": "otelier", **_authorization(parts), **headers}
        # A proxy is never the way to this machine.
        proxies = ProxyHandler({}) if _is_local(parts.hostname or "") else ProxyHandler()
        self._opener = build_opener(proxies, _NoRedirects)

    def post(self, kind: str, body: bytes) -> Reply:
        """Post a body of this content type. Raises UnreachableError."""
        headers = {"Content-Type": kind, **self._headers}
        request = Request(self._url, data=body, headers=headers, method="POST")
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                return Reply(answer.status, answer.read(_ANSWER_BYTES))
        except HTTPError as error:
            with error:
                after = _seconds(error.headers.get(_RETRY_AFTER))
                return Reply(error.code, _body(error), after)
        except URLError as error:
            raise UnreachableError(str(error.reason)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError(str(error) or type(error).__name__) from None


def _body(error: HTTPError) -> bytes:
    try:
        return error.read(_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    who = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(who.encode()).decode("ascii")}


def _seconds(text: str | None) -> float | None:
    """How long is to be waited by ``Retry-After``: a number of seconds, or a date."""
    if text is None:
        return None
    try:
        found = float(text) if text.strip()[:1].isdigit() else _until(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if 0 <= found < float("inf") else None


def _until(text: str) -> float:
    return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)


class _NoRedirects(HTTPRedirectHandler):
    """A redirected POST would arrive as a GET, without its spans, and look like a success."""

    def redirect_request(self, *args: object) -> None:
        """Leave it at the answer."""


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
