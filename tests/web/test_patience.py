"""Connections that nobody uses, on a real server that waits less long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from otelier.web import patience
from otelier.web.patience import Patient
from otelier.web.serving import listening, serve

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
BEGUN = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n"
DRIP = 0.02


async def _answers(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(5 * patience.IDLE)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def _connected() -> AsyncIterator[Streams]:
    config = uvicorn.Config(_answers, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    made = await loop.create_server(lambda: Patient(config, state, {}), "127.0.0.1", 0)
    try:
        yield await asyncio.open_connection(*made.sockets[0].getsockname())
    finally:
        made.close()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Nothing is sent."""


async def _no_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(REQUEST)
    await reader.readuntil(b"\r\n\r\n")


async def _dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    await _drip(writer)


async def _dripping_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(REQUEST + b"GET / HTTP/1.1\r\nX: ")
    await _drip(writer)


async def _dripping_what_nobody_reads(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(BEGUN)
    await _drip(writer)


async def _drip(writer: asyncio.StreamWriter) -> None:
    # Until the other side has closed it, but not for ever.
    for _ in range(int(5 / DRIP)):
        writer.write(b"a")
        await asyncio.sleep(DRIP)
        if writer.transport.is_closing():
            return


@pytest.mark.parametrize(
    "talk", [_silent, _no_more, _dripping, _dripping_later, _dripping_what_nobody_reads]
)
def test_who_sends_no_request_is_not_waited_for(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "IDLE", 0.2)

    async def whole() -> None:
        async with _connected() as (reader, writer):
            await talk(reader, writer)
            with suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), 10)
            writer.close()

    asyncio.run(whole())


def test_who_waits_for_an_answer_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "IDLE", 0.1)

    async def whole() -> None:
        async with _connected() as (reader, writer):
            writer.write(REQUEST.replace(b"/ ", b"/slow "))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.close()

    asyncio.run(whole())


def test_a_server_that_cannot_begin_says_so() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("not here")

    with listening("127.0.0.1", 0) as listener:
        assert not serve(broken, listener, lambda: None)
