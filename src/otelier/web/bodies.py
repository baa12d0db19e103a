"""Bodies of requests: read within bounds, and unpacked within bounds."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from otelier.web.refusing import RefusedError

# Of one body, as it comes and unpacked (the collector takes as much); and of all that are in hand
# at one time, both together.
MOST: Final = 20 << 20
MOST_IN_HAND: Final = 192 << 20
# A body has to arrive in so many seconds.
PATIENCE: Final = 30.0

# What zlib is told: gzip's format or zlib's own, whichever it is; neither (some call it deflate).
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW: Final = -zlib.MAX_WBITS
# Nobody sends more than one; each costs a copy of what is behind it.
_MOST_MEMBERS: Final = 16
_TOO_LARGE: Final = f"more than {MOST >> 20} MiB; send less at once"


class Hands:
    """What is held of all requests at one time. For one event loop."""

    def __init__(self, most: int = MOST_IN_HAND) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def holding(self) -> Iterator[Body]:
        """A body to be read; what is held of it is let go of with the block."""
        body = Body(self)
        try:
            yield body
        finally:
            self.held -= body.size


class Body:
    """What has come of one body, and how much is held for it."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self.chunks: list[bytes] = []
        self.size = 0

    def hold(self, size: int) -> None:
        """Hold so many bytes more. Raises RefusedError where that is too much for now."""
        if self._hands.held + size > self._hands.most:
            raise RefusedError(503, "too much arrives at once; send it again later")
        self._hands.held += size
        self.size += size


async def read(request: Request, body: Body) -> None:
    """Fill ``body`` as it comes.

    Raises RefusedError, and Starlette's ClientDisconnect where the client goes away.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST:
        raise RefusedError(413, _TOO_LARGE)
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                if body.size + len(chunk) > MOST:
                    raise RefusedError(413, _TOO_LARGE)
                body.hold(len(chunk))
                body.chunks.append(chunk)
    except TimeoutError:
        raise RefusedError(408, f"the body took more than {PATIENCE:.0f} s") from None


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its content encoding, one or none. Raises RefusedError."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            try:
                return _inflated(body)
            except zlib.error as error:
                raise RefusedError(400, f"the body is not {encoding}: {error}") from None
    raise RefusedError(415, "content encodings that are understood are gzip and deflate")


def _inflated(body: bytes) -> bytes:
    # Zlib's first two bytes are a multiple of 31, gzip's have no 8 in the low half of the first.
    known = body[:2] == b"\x1f\x8b" or (
        body[:1] and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    )
    parts: list[bytes] = []
    left = MOST
    # gzip allows another member behind the first, and zeros that fill up.
    for _ in range(_MOST_MEMBERS):
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB if known else _RAW)
        part = inflater.decompress(body, left + 1)
        left -= len(part)
        if left < 0:
            raise RefusedError(413, _TOO_LARGE)
        if not inflater.eof:
            raise RefusedError(400, "the body ends before its compressed data does")
        parts.append(part)
        body = inflater.unused_data.lstrip(b"\0")
        if not body:
            return b"".join(parts)
    raise RefusedError(400, f"the body has more than {_MOST_MEMBERS} members of gzip")
