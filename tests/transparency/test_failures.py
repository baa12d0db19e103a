"""Answers that are errors, none, or broken; and calls that are given up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.servers import Drop, Gate, Hang, Json, Raw, Reply, Sse, anthropic_wire, openai_wire
from tests.transparency.app import END, App
from tests.transparency.calls import CHAT, CLAUDE, RESPONSE, STREAM, WAV, Call
from tests.transparency.runner import World

CALLS = (
    Call("chat", "openai", "chat.completions.create", CHAT),
    Call("chat stream", "openai", "chat.completions.create", {**CHAT, **STREAM}),
    Call("chat helper", "openai", "chat.completions.stream", CHAT),
    Call("responses", "openai", "responses.create", RESPONSE),
    Call("responses stream", "openai", "responses.create", {**RESPONSE, **STREAM}),
    Call("embeddings", "openai", "embeddings.create", {"model": "m", "input": "a"}),
    Call("transcription", "openai", "audio.transcriptions.create", {"model": "m", "file": WAV}),
    Call("azure", "azure", "chat.completions.create", CHAT),
    Call("messages", "anthropic", "messages.create", CLAUDE),
    Call("messages stream", "anthropic", "messages.create", {**CLAUDE, **STREAM}),
    Call("messages helper", "anthropic", "messages.stream", CLAUDE),
    Call(
        "count", "anthropic", "messages.count_tokens", {"model": "m", "messages": CHAT["messages"]}
    ),
)
STREAMED = [call for call in CALLS if "stream" in call.name]
Problem: TypeAlias = Callable[[], list[Reply]]
NOW = {"retry-after-ms": "1", "retry-after": "0"}


def _error(call: Call) -> dict[str, Any]:
    if call.client == "anthropic":
        return anthropic_wire.anthropic_error()
    return openai_wire.error_body()


def _status(status: int, count: int = 1) -> Any:
    return lambda call: [Json(_error(call), status, NOW) for _ in range(count)]


def _body(body: bytes, kind: str, status: int = 200) -> Any:
    return lambda call: [Raw(body, kind, status)]


# What the server does, by name; and how often the client tries again.
PROBLEMS: dict[str, tuple[Callable[[Call], list[Reply]], int]] = {
    **{str(status): (_status(status), 0) for status in (400, 401, 403, 404, 409, 413, 422, 429)},
    **{str(status): (_status(status), 0) for status in (500, 503, 529)},
    "500 then an answer": (_status(500), 2),
    "429 thrice": (_status(429, 3), 2),
    "no answer": (lambda call: [Drop()], 0),
    "reset": (lambda call: [Drop(reset=True)], 0),
    "error that is no JSON": (_body(b"Bad Gateway", "text/html", 502), 0),
    "error without a body": (_body(b"", "application/json", 500), 0),
    "error that is a list": (_body(b"[1]", "application/json", 400), 0),
    "not JSON": (_body(b"{oops", "application/json"), 0),
    "empty": (_body(b"", "application/json"), 0),
    "empty text": (_body(b"", "text/plain"), 0),
    "HTML": (_body(b"<html></html>", "text/html"), 0),
    "null": (_body(b"null", "application/json"), 0),
    "text": (_body(b'"hm"', "application/json"), 0),
    "not UTF-8": (_body(b'{"id": "\xff\xfe"}', "application/json"), 0),
    "not gzip": (
        lambda call: [Raw(b"x", "application/json", 200, {"content-encoding": "gzip"})],
        0,
    ),
    "no content": (_body(b"", "application/json", 204), 0),
    "gzip": (lambda call: [Json({"id": "x", "object": "y", "data": []}, gzip=True)], 0),
    "redirect": (lambda call: [Raw(b"", "text/plain", 302, {"location": "/nowhere"})], 0),
}


async def _use(app: App, call: Call, client: Any, view: str = "", **more: Any) -> None:
    """Make the call and read all of its answer."""
    result = await app.got(call.start(app, client, view, **more))
    if call.name.endswith("helper") or view == "with_streaming_response":
        manager, result = result, await app.enter(result)
        read = result.iter_lines() if view else result
        await app.attempt(app.drain(read))
        await app.leave(manager)
    elif view:
        app.note(result)
        result = await app.got(result.parse())
    app.track(result)
    if hasattr(type(result), "__stream__"):
        await app.attempt(app.drain(result))
        app.note(result.response)
    else:
        app.note(result)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_problem(world: World, call: Call, problem: str, asynchronous: bool) -> None:
    replies, retries = PROBLEMS[problem]
    views = ["", "with_raw_response", "with_streaming_response"]
    views = views[:1] if call.name.endswith("helper") else views

    played = []

    async def scenario(app: App) -> None:
        client = app.client(call.client, max_retries=retries)
        for view in views:
            if call.has(client, view):
                app.script(*replies(call))
                await app.attempt(_use(app, call, client, view))
                app.note_connections()
                played.append(view)
        # The client is of use afterwards.
        await app.attempt(_use(app, call, client))

    found = world.compare(scenario, asynchronous=asynchronous, spans=None)
    assert len(found) == len(played) / 2 + 1


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_refused(world: World, call: Call, asynchronous: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async def scenario(app: App) -> None:
        place = "azure_endpoint" if call.client == "azure" else "base_url"
        client = app.client(call.client, **{place: f"http://127.0.0.1:{port}"})
        await app.attempt(_use(app, call, client))

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_timeout(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        app.aborts = 1
        app.server.script(Hang(Gate()))
        client = app.client(call.client, timeout=0.02)
        await app.attempt(_use(app, call, client))

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("call", STREAMED, ids=str)
def test_timeout_in_stream(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        app.aborts = 1
        app.gate()
        await app.attempt(_use(app, call, app.client(call.client, timeout=0.05)))

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("view", ["", "with_raw_response", "with_streaming_response"])
@pytest.mark.parametrize("call", STREAMED, ids=str)
def test_drop_in_stream(
    world: World, call: Call, view: str, count: int, asynchronous: bool
) -> None:
    async def scenario(app: App) -> None:
        def dropped(request: Any) -> Reply:
            reply = app.server.defaults.answer(request)
            assert isinstance(reply, Sse)
            reply.drop_after = count
            return reply

        app.server.route("", dropped)
        await app.attempt(_use(app, call, app.client(call.client), view))
        app.note_connections()

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("call", STREAMED, ids=str)
def test_cut_into_pieces(world: World, call: Call, size: int, asynchronous: bool) -> None:
    """Events that arrive byte by byte."""

    async def scenario(app: App) -> None:
        def cut(request: Any) -> Reply:
            reply = app.server.defaults.answer(request)
            assert isinstance(reply, Sse)
            reply.split = size
            return reply

        app.server.route("", cut)
        await app.attempt(_use(app, call, app.client(call.client)))

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("call", STREAMED, ids=str)
def test_error_in_stream(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        def failing(request: Any) -> Reply:
            reply = app.server.defaults.answer(request)
            assert isinstance(reply, Sse)
            reply.events = [*reply.events[:2], {"type": "error", **_error(call)}]
            return reply

        app.server.route("", failing)
        await app.attempt(_use(app, call, app.client(call.client)))

    world.compare(scenario, asynchronous=asynchronous)


# --- given up by the caller (asynchronous only) ------------------------------------------------


async def _cancelled(app: App, gate: Gate, work: Any) -> None:
    task = asyncio.create_task(work)
    await app.reached(gate)
    for _ in range(20):  # what the server has sent has come in
        await asyncio.sleep(0)
    task.cancel("enough")
    await app.attempt(task)
    app.note(task.cancelled())


async def _timed_out(app: App, gate: Gate, work: Any) -> None:
    await app.attempt(asyncio.wait_for(work, 0.03))


async def _timed_out_inside(app: App, gate: Gate, work: Any) -> None:
    async def inner() -> None:
        async with asyncio.timeout(0.03):
            await work

    await app.attempt(inner())


GIVEN_UP = (_cancelled, _timed_out, _timed_out_inside)


@pytest.mark.parametrize("give_up", GIVEN_UP, ids=lambda way: way.__name__)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_given_up_before_the_answer(world: World, call: Call, give_up: Any) -> None:
    async def scenario(app: App) -> None:
        gate = Gate()
        app.aborts = 1
        app.server.script(Hang(gate))
        client = app.client(call.client)
        await give_up(app, gate, _use(app, call, client))
        app.note_connections()

    world.compare(scenario, asynchronous=True)


@pytest.mark.parametrize("give_up", GIVEN_UP, ids=lambda way: way.__name__)
@pytest.mark.parametrize("call", STREAMED, ids=str)
def test_given_up_in_stream(world: World, call: Call, give_up: Any) -> None:
    async def scenario(app: App) -> None:
        gate = app.gate()
        app.aborts = 1
        client = app.client(call.client)

        async def read() -> None:
            stream = app.track(await app.got(call.start(app, client)))
            iterator = app.iterate(stream)
            while await app.next(iterator) is not END:
                pass

        await give_up(app, gate, read())
        app.note_connections()

    world.compare(scenario, asynchronous=True)


@pytest.mark.parametrize("call", STREAMED, ids=str)
def test_cancelled_and_read_on(world: World, call: Call) -> None:
    """A waiting ``anext`` is cancelled; the stream is closed properly afterwards."""

    async def scenario(app: App) -> None:
        gate = app.gate()
        app.aborts = 1
        stream = app.track(await app.got(call.start(app)))
        app.note(await app.next(stream))
        await _cancelled(app, gate, app.next(stream))
        await app.attempt(app.next(stream))
        await app.close(stream)
        app.note_connections()

    world.compare(scenario, asynchronous=True)
