"""What users hand in (requests, clients) and do with what they get."""

from __future__ import annotations

import asyncio
import copy
import enum
import importlib
import json
import pickle
import threading
import types
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.servers import Json, openai_wire
from tests.transparency.app import ASK, END, App, resolve, transport
from tests.transparency.calls import CHAT, CLAUDE, RESPONSE, STREAM, Call
from tests.transparency.runner import World

CHAT_CALL = Call("chat", "openai", "chat.completions.create", CHAT)
RESPONSE_CALL = Call("responses", "openai", "responses.create", RESPONSE)
MESSAGE_CALL = Call("messages", "anthropic", "messages.create", CLAUDE)
CALLS = (CHAT_CALL, RESPONSE_CALL, MESSAGE_CALL)
BY_MESSAGES = (CHAT_CALL, MESSAGE_CALL)
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])


async def _use(app: App, call: Call, client: Any = None, **more: Any) -> Any:
    result = app.track(await app.got(call.start(app, client, **more)))
    if hasattr(type(result), "__stream__"):
        await app.drain(result)
    else:
        app.note(result)
    return result


def _input(span: Any) -> Any:
    return json.loads(span.attributes["gen_ai.input.messages"])


class Name(str):
    """A text of the user's own."""

    def __repr__(self) -> str:
        raise AssertionError("nobody needs my repr")


class Model(enum.StrEnum):
    SMALL = "gpt-4o-mini"


class Quiet(dict[str, Any]):
    """A message of the user's own."""


def _generated() -> Iterator[Any]:
    yield {"role": "user", "content": "Hi"}
    yield {"role": "user", "content": ({"type": "text", "text": "there"},)}


def _answered() -> list[Any]:
    message = openai.types.chat.ChatCompletionMessage(role="assistant", content="Hello")
    return [*ASK, message, {"role": "user", "content": "again"}]


# Requests as users write them; made anew for each run.
ODD: dict[str, Any] = {
    "generator": lambda: {"messages": _generated()},
    "generator of content": lambda: {
        "messages": [{"role": "user", "content": (x for x in [{"type": "text", "text": "a"}])}]
    },
    "tuple": lambda: {"messages": tuple(ASK)},
    "map": lambda: {"messages": map(dict, ASK)},
    "dict views": lambda: {"messages": {"a": ASK[0]}.values()},
    "model objects": lambda: {"messages": _answered()},
    "mapping proxy": lambda: {"messages": [types.MappingProxyType(ASK[0])]},
    "subclasses": lambda: {
        "messages": [Quiet(role=Name("user"), content=Name("Hi"))],
        "model": Name("m"),
    },
    "enum": lambda: {"model": Model.SMALL},
    "surrogate": lambda: {"messages": [{"role": "user", "content": "\ud83d"}]},
    "bytes": lambda: {"messages": [{"role": "user", "content": b"x"}]},
    "NaN": lambda: {"temperature": float("nan")},
    "object": lambda: {"messages": [{"role": "user", "content": object()}]},
    "None": lambda: {"messages": None},
    "text": lambda: {"messages": "Hi"},
    "empty": lambda: {"messages": []},
    "nothing": lambda: {"messages": [{}]},
    "unknown roles": lambda: {"messages": [{"role": "wizard", "content": 1, "x": {"y": [None]}}]},
    "deep": lambda: {"extra_body": {"x": _nested(200)}},
    "body wins": lambda: {"extra_body": {"model": "other", "more": [1, {"a": None}]}},
    "headers": lambda: {"extra_headers": {"X-Own": "1", "x-request-id": "mine"}},
    "query": lambda: {"extra_query": {"a": "1", "b": ["x", "y"]}},
    "timeout": lambda: {"timeout": 5.0},
}


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": [value]}
    return value


@STREAMED
@pytest.mark.parametrize("given", ODD)
@pytest.mark.parametrize("call", BY_MESSAGES, ids=str)
def test_odd_request(
    world: World, call: Call, given: str, streamed: bool, asynchronous: bool
) -> None:
    async def scenario(app: App) -> None:
        more = {**ODD[given](), **(STREAM if streamed else {})}
        await app.attempt(_use(app, call, **more))

    found = world.compare(scenario, asynchronous=asynchronous, spans=None)
    assert len(found) == len(world.server.requests) or len(found) == 1
    if given == "generator":
        assert [m["parts"][0]["content"] for m in _input(found[0])] == ["Hi", "there"]
        assert len(world.server.requests[0].json()["messages"]) == 2


@pytest.mark.parametrize("call", BY_MESSAGES, ids=str)
def test_messages_changed_in_the_loop(world: World, call: Call, asynchronous: bool) -> None:
    """The span shows what was sent."""

    async def scenario(app: App) -> None:
        message = {"role": "user", "content": [{"type": "text", "text": "sent"}]}
        messages = [message]
        stream = await app.got(call.start(app, messages=messages, **STREAM))
        iterator = app.iterate(stream)
        while (item := await app.next(iterator)) is not END:
            app.note(item)
            message["content"][0]["text"] = "changed"  # type: ignore[index]
            messages.append({"role": "user", "content": [{"type": "text", "text": "added"}]})

    (span,) = world.compare(scenario, asynchronous=asynchronous)
    assert _input(span) == [{"role": "user", "parts": [{"type": "text", "content": "sent"}]}]


# --- clients ----------------------------------------------------------------------------------


def _copied(app: App, call: Call) -> Any:
    return app.client(call.client).copy(default_headers={"X-Copy": "1"})


def _with_options(app: App, call: Call) -> Any:
    return app.client(call.client).with_options(timeout=5, max_retries=1)


def _subclass(app: App, call: Call) -> Any:
    plain = app.client(call.client)
    base = type(plain)

    if app.asynchronous:

        class Own(base):  # type: ignore[misc, valid-type]
            async def request(self, *args: Any, **kwargs: Any) -> Any:
                app.log.append("request")
                return await super().request(*args, **kwargs)
    else:

        class Own(base):  # type: ignore[misc, valid-type, no-redef]
            def request(self, *args: Any, **kwargs: Any) -> Any:
                app.log.append("request")
                return super().request(*args, **kwargs)

    http = app.http_client(importlib.import_module(call.client))
    return Own(base_url=plain.base_url, api_key="k", max_retries=0, http_client=http)


def _mocked(app: App, call: Call) -> Any:
    """No network at all."""
    sdk = importlib.import_module(call.client)
    http = transport(sdk)
    answer = app.server.defaults

    def handle(request: Any) -> Any:
        from tests.servers import Recorded, Sse

        path = request.url.raw_path.decode()
        body = request.content
        reply = answer.answer(Recorded(request.method, path, request.headers.multi_items(), body))
        if isinstance(reply, Sse):
            parts = reply.chunked()
            kind = {"content-type": parts.content_type}
            return http.Response(200, headers=kind, content=b"".join(parts.parts))
        assert isinstance(reply, Json)
        return http.Response(reply.status, json=reply.body)

    return app.client(
        call.client, http_client=app.http_client(sdk, transport=http.MockTransport(handle))
    )


def _with_hooks(app: App, call: Call) -> Any:
    """The HTTP library's own hooks see the same requests and responses."""
    sdk = importlib.import_module(call.client)

    def seen(message: Any) -> None:
        app.log.append((type(message).__name__, sorted(message.__dict__)))

    async def aseen(message: Any) -> None:
        seen(message)

    hook = aseen if app.asynchronous else seen
    hooks = {"request": [hook], "response": [hook]}
    return app.client(call.client, http_client=app.http_client(sdk, event_hooks=hooks))


def _own_http(app: App, call: Call) -> Any:
    """The SDK's own HTTP client, with certificates."""
    return app.client(call.client, http_client=None)


def _as_module(app: App, call: Call) -> Any:
    if app.asynchronous or call.client != "openai":
        pytest.skip("there is no such module client")
    openai._reset_client()
    openai.api_key, openai.base_url = "k", f"{app.server.url}/v1/"
    openai.http_client = app.http_client(openai)
    openai.max_retries = 0
    return openai


MAKERS = (_copied, _with_options, _subclass, _mocked, _with_hooks, _own_http, _as_module)


@STREAMED
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_client(world: World, call: Call, make: Any, streamed: bool, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await app.attempt(_use(app, call, make(app, call), **(STREAM if streamed else {})))

    try:
        world.compare(scenario, asynchronous=asynchronous)
    finally:
        if make is _as_module:
            openai.api_key = openai.base_url = openai.http_client = None
            openai._reset_client()


@pytest.mark.parametrize("cast", [object, dict[str, Any], "response", "model"], ids=str)
def test_undocumented_endpoint(world: World, cast: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        kinds = {"response": transport(openai).Response, "model": openai.types.chat.ChatCompletion}
        kind = kinds.get(cast, cast) if isinstance(cast, str) else cast
        client = app.client()
        for path in ("/chat/completions", "/nowhere"):

            async def post(path: str = path) -> None:
                app.note(await app.got(client.post(path, body=CHAT, cast_to=kind)))

            await app.attempt(post())

    world.compare(scenario, asynchronous=asynchronous)


# --- results ----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_results_are_copied_and_pickled(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        client = app.client(call.client)
        result = await _use(app, call, client)
        stream = await app.got(call.start(app, client, **STREAM))
        first = await app.next(stream)
        for value in (result, first):
            for made in (
                copy.copy(value),
                copy.deepcopy(value),
                pickle.loads(pickle.dumps(value)),
                type(value).model_validate_json(value.model_dump_json()),
            ):
                app.note(made, made == value)
            app.log.append((repr(value), str(value), hash(type(value))))
        await app.drain(stream)
        app.note(len(pickle.dumps(stream.response)) > 0)

    world.compare(scenario, asynchronous=asynchronous, spans=2)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_types_of_streams(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        sdk = importlib.import_module(call.client)
        stream = await app.got(call.start(app, **STREAM))
        assert isinstance(stream, sdk.AsyncStream if app.asynchronous else sdk.Stream)
        assert type(stream) is (sdk.AsyncStream if app.asynchronous else sdk.Stream)
        assert isinstance(stream.response, transport(sdk).Response)
        app.log.append((dir(type(stream)), sorted(vars(stream).keys() - {"_iterator"})))
        await app.drain(stream)

    world.compare(scenario, asynchronous=asynchronous)


def test_generator_of_the_users(world: World) -> None:
    """A web framework's pattern: a generator over the stream, closed when the client goes."""

    async def scenario(app: App) -> None:
        app.gate()
        app.aborts = 1
        client = app.client()

        def texts() -> Iterator[Any]:
            with CHAT_CALL.start(app, client, **STREAM) as stream:
                yield from stream

        generator = texts()
        app.note(next(generator))
        app.check()
        generator.close()
        app.check()
        app.note_connections()

    world.compare(scenario)


# --- other threads and tasks --------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_stream_read_in_another_thread(world: World, call: Call) -> None:
    async def scenario(app: App) -> None:
        stream = app.track(call.start(app, **STREAM))

        def read() -> None:
            from tests.transparency.app import drive

            drive(app.drain(stream))

        thread = threading.Thread(target=read)
        thread.start()
        thread.join(10)
        app.note(thread.is_alive(), next(stream, None))

    world.compare(scenario)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_stream_read_in_other_tasks(world: World, call: Call) -> None:
    async def scenario(app: App) -> None:
        stream = app.track(await asyncio.create_task(app.got(call.start(app, **STREAM))))
        while True:  # each item in a task of its own
            item = await asyncio.create_task(app.next(stream))
            if item is END:
                break
            app.note(item)

    world.compare(scenario, asynchronous=True)


def test_many_at_once(world: World) -> None:
    async def scenario(app: App) -> None:
        client = app.client()
        calls = [_use(app, CHAT_CALL, client, **STREAM) for _ in range(5)]
        calls += [_use(app, RESPONSE_CALL, client) for _ in range(5)]
        await asyncio.gather(*calls)
        # Which comes first is up to the sockets.
        app.log.sort(key=repr)
        app.server.requests.sort(key=lambda request: request.path)

    world.compare(scenario, asynchronous=True, spans=10)


def test_error_bodies_reach_the_user(world: World, asynchronous: bool) -> None:
    """All that the SDK's exception tells."""

    async def scenario(app: App) -> None:
        app.script(Json(openai_wire.error_body(), 404, {"x-request-id": "req_9"}))
        error = await app.attempt(_use(app, CHAT_CALL))
        names = ("status_code", "request_id", "code", "param", "type", "body", "message")
        app.note([getattr(error, name, None) for name in names])
        app.note(resolve(error, "response"), pickle.dumps(error.args) != b"")

    world.compare(scenario, asynchronous=asynchronous)
