"""Bodies of requests: read within bounds, and unpacked within bounds."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from otelier.web.refusing import RefusedError

# Of one body, as it comes and unpacked; and of all that are in hand at one time, as they came.
MOST: Final = 64 << 20
MOST_IN_HAND: Final = 192 << 20
# A body has to arrive in so many seconds.
PATIENCE: Final = 30.0

# What zlib is told: gzip's format or zlib's own, whichever it is; neither (some call it deflate).
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW: Final = -zlib.MAX_WBITS
_TOO_LARGE: Final = f"more than {MOST >> 20} MiB; send less at once"


class Hands:
    """What is held of bodies at one time. For one event loop."""

    def __init__(self, most: int = MOST_IN_HAND) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def holding(self) -> Iterator[list[bytes]]:
        """A list of chunks to fill by :meth:`take`; they are let go of with the block."""
        chunks: list[bytes] = []
        try:
            yield chunks
        finally:
            self.held -= sum(map(len, chunks))

    def take(self, chunks: list[bytes], chunk: bytes) -> None:
        """Hold one more. Raises RefusedError where that would be too much."""
        if self.held + len(chunk) > self.most:
            raise RefusedError(503, "too much arrives at once; send it again later")
        self.held += len(chunk)
        chunks.append(chunk)


async def read(request: Request, hands: Hands, chunks: list[bytes]) -> None:
    """Fill ``chunks`` with the body as it comes.

    Raises RefusedError, and Starlette's ClientDisconnect where the client goes away.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST:
        raise RefusedError(413, _TOO_LARGE)
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MOST:
                    raise RefusedError(413, _TOO_LARGE)
                hands.take(chunks, chunk)
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
    while body:
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB if known else _RAW)
        part = inflater.decompress(body, left + 1)
        left -= len(part)
        if left < 0:
            raise RefusedError(413, _TOO_LARGE)
        if not inflater.eof:
            raise RefusedError(400, "the body ends before its compressed data does")
        parts.append(part)
        # gzip allows another member behind the first, and zeros that fill up.
        body = inflater.unused_data.lstrip(b"\0")
    return b"".join(parts)
