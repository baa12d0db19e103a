"""Calls that are answered in one piece, on every path that a user may take to the answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transparency.app import END, App
from tests.transparency.calls import WHOLE, Call, product
from tests.transparency.runner import World

RAW, STREAMING = "with_raw_response", "with_streaming_response"


async def typed(app: App, call: Call) -> None:
    result = app.track(await app.got(call.start(app)))
    app.note(result)


async def twice(app: App, call: Call) -> None:
    """The second call uses the connection of the first."""
    client = app.client(call.client)
    for _ in range(2):
        app.note(await app.got(call.start(app, client)))


async def raw_parsed(app: App, call: Call) -> None:
    response = app.track(await app.got(call.start(app, view=RAW)))
    result = await app.got(response.parse())
    app.note(result, response, (await app.got(response.parse())) is result)


async def raw_unparsed(app: App, call: Call) -> None:
    response = app.track(await app.got(call.start(app, view=RAW)))
    app.note(response.status_code, response.http_request.url.path, response.is_closed)
    app.note(response.content, response.text, dict(response.headers), response)


async def raw_ignored(app: App, call: Call) -> None:
    app.track(await app.got(call.start(app, view=RAW)))


async def _streaming(app: App, call: Call, read: Any) -> None:
    manager = call.start(app, view=STREAMING)
    response = app.track(await app.enter(manager))
    app.note(response.status_code, response.is_closed)
    await app.attempt(read(response))
    app.note_alive()
    app.note_connections()
    await app.leave(manager)
    app.note(response)


async def streaming_parsed(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        app.note(await app.got(response.parse()))

    await _streaming(app, call, read)


async def streaming_read(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        app.note(await app.got(response.read()), await app.got(response.read()))

    await _streaming(app, call, read)


async def streaming_json(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        app.note(await app.got(response.json()))

    await _streaming(app, call, read)


async def streaming_text(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        app.note(await app.got(response.text()))

    await _streaming(app, call, read)


async def streaming_lines(app: App, call: Call) -> None:
    await _streaming(app, call, lambda response: app.drain(response.iter_lines()))


async def streaming_bytes(app: App, call: Call) -> None:
    await _streaming(app, call, lambda response: app.drain(response.iter_bytes(7)))


async def streaming_texts(app: App, call: Call) -> None:
    await _streaming(app, call, lambda response: app.drain(response.iter_text()))


async def streaming_left(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        assert await app.next(app.iterate(response.iter_bytes(3))) is not END

    await _streaming(app, call, read)


async def streaming_unread(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        pass

    await _streaming(app, call, read)


PATHS = (
    typed,
    twice,
    raw_parsed,
    raw_unparsed,
    raw_ignored,
    streaming_parsed,
    streaming_read,
    streaming_json,
    streaming_text,
    streaming_lines,
    streaming_bytes,
    streaming_texts,
    streaming_left,
    streaming_unread,
)


BASIC = (typed, raw_parsed, streaming_parsed, streaming_bytes)
MODELS = frozenset(
    {"chat", "responses", "embeddings", "speech", "transcription text", "messages", "models"}
)


@pytest.mark.parametrize(("call", "path"), product(WHOLE, PATHS, BASIC, MODELS))
def test_whole(world: World, call: Call, path: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await app.attempt(path(app, call))

    spans = call.spans * (2 if path is twice else 1)
    world.compare(scenario, asynchronous=asynchronous, spans=spans)
