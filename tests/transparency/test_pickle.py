"""What a program may do with a stream or a response as an object: pickle, copy, look into it."""

from __future__ import annotations

import asyncio
import copy
import pickle
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

import pytest

from tests import installed as sdks
from tests.servers.replies import Sse
from tests.transparency.app import ASK, App
from tests.transparency.calls import STREAMS, Call
from tests.transparency.describe import plain
from tests.transparency.providers import Case, Provider, open_client, providers
from tests.transparency.runner import World

# Objects that lead to an HTTP response, or to what makes a stream's items.
_INSIDE = ("response", "http_response", "_raw_stream", "raw", "_client")
_ITERATORS = ("_iterator", "generator")
_BODY = {"model": "gpt-4o", "messages": ASK, "stream": True}


def _tried(work: Callable[[], Any]) -> Any:
    """The result's type and members, or the exception."""
    try:
        result = work()
    except Exception as error:
        return type(error), plain(str(error))
    if isinstance(result, bytes):
        result = pickle.loads(result)
    return type(result), _members(result)


def _members(thing: Any) -> list[str]:
    """The names of an object's members: a method has those of its function."""
    # anthropic's streams make their iterator when it is asked for first, which is by otelier.
    members = () if isinstance(thing, MethodType) else getattr(thing, "__dict__", ())
    return [name for name in members if name != "_iterator"]


def _pickled(thing: Any) -> Any:
    return _tried(lambda: pickle.dumps(thing))


def examine(app: App, thing: Any, depth: int = 2) -> None:
    """Note what can be done with an object, and with those inside of it."""
    kind = type(thing)
    app.log.append((kind, plain(repr(thing))))
    app.log.append(_members(thing))
    app.log.append(_pickled(thing))
    app.log.append(_tried(lambda: copy.deepcopy(thing)))
    if hasattr(thing, "__dict__"):
        app.log.append(_tried(lambda: copy.copy(thing)))
    app.log.append(_tried(lambda: type(weakref.ref(thing))))
    for name in ("close", "aclose", "iter_bytes", "aiter_bytes", "read"):
        if hasattr(kind, name):
            app.log.append((name, _pickled(getattr(thing, name))))
    for name in _INSIDE if depth else ():
        inside = getattr(thing, "__dict__", {}).get(name)
        # A copy of aiohttp's gives the connection back when it is let go of.
        if inside is not None and not type(inside).__module__.startswith("aiohttp"):
            app.log.append(name)
            examine(app, inside, depth - 1)
    for name in _ITERATORS:
        # In its place is one of ours.
        inside = getattr(thing, "__dict__", {}).get(name)
        if inside is not None and not hasattr(kind, name):
            app.log.append((name, _pickled(inside), _tried(lambda each=inside: copy.copy(each))))


async def opened(app: App, stream: Any) -> None:
    """While a stream is open, before its first item and after it, and when it has ended."""
    examine(app, stream)
    # LiteLLM's are of both kinds.
    both = hasattr(stream, "__iter__") and hasattr(stream, "__aiter__") and not app.asynchronous
    iterator = iter(stream) if both else app.iterate(stream)
    next(iterator) if both else await app.next(iterator)
    examine(app, stream)
    if both:
        app.log.append(len(list(iterator)))
    else:
        await app.attempt(app.drain(iterator))
    examine(app, stream)


@pytest.mark.parametrize("call", STREAMS, ids=str)
def test_call(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await opened(app, await app.got(call.start(app)))

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("call", STREAMS[:4], ids=str)
def test_raw_response(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        raw = await app.got(call.start(app, view="with_raw_response"))
        examine(app, raw)
        await opened(app, await app.got(raw.parse()))

    world.compare(scenario, asynchronous=asynchronous)


@pytest.mark.parametrize("call", STREAMS[:4], ids=str)
def test_streamed_response(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        manager = call.start(app, view="with_streaming_response")
        raw = await app.enter(manager)
        examine(app, raw)
        await app.drain(raw.iter_bytes(), 1)
        examine(app, raw)
        await app.leave(manager)
        examine(app, raw)

    world.compare(scenario, asynchronous=asynchronous)


def _parameters() -> list[Any]:
    return [
        pytest.param(provider, case, id=f"{provider.name}-{case.name}")
        for provider in providers()
        for case in provider.cases
        if case.streamed and case.spans and case.requests == 1
    ]


@pytest.mark.parametrize(("provider", "case"), _parameters())
def test_provider(world: World, provider: Provider, case: Case, asynchronous: bool) -> None:
    if ("async" if asynchronous else "sync") not in case.flavours:
        pytest.skip(f"{provider.name} has no such call")
    pytest.importorskip((asynchronous and provider.asynchronous) or provider.module)

    async def scenario(app: App) -> None:
        app.script(case.reply())
        client = open_client(provider, app)
        stream = await case.stream(app, await app.got(case.start(client, app.asynchronous)))
        await opened(app, stream)

    parents = ("caller", *case.parents)
    world.compare(scenario, asynchronous=asynchronous, spans=case.spans, parents=parents)


@sdks.httpx2
@pytest.mark.parametrize("module", ["httpx", "httpx2"])
def test_httpx(world: World, module: str, asynchronous: bool) -> None:
    httpx = pytest.importorskip(module)

    async def scenario(app: App) -> None:
        app.script(_events())
        client = app.closing((httpx.AsyncClient if app.asynchronous else httpx.Client)())
        request = client.build_request("POST", _url(app), json=_BODY)
        response = await app.got(client.send(request, stream=True))
        examine(app, response)
        lines = response.aiter_lines() if app.asynchronous else response.iter_lines()
        await app.drain(lines, 1)
        examine(app, response)
        await app.got(response.aclose() if app.asynchronous else response.close())
        examine(app, response)

    _http(world, scenario, asynchronous)


def test_requests(world: World) -> None:
    requests = pytest.importorskip("requests")

    async def scenario(app: App) -> None:
        app.script(_events(), _events())
        with requests.Session() as session:
            with session.post(_url(app), json=_BODY, stream=True) as response:
                app.log.append(list(vars(response.raw)))
                app.log.append(_pickled(response.raw))
                await app.drain(response.iter_lines(), 1)
                app.log.append(_pickled(response))  # It is read for that.
            with session.post(_url(app), json=_BODY, stream=True) as response:
                copied = copy.copy(response)
                app.log.append((list(vars(copied)), copied.content))

    _http(world, scenario, False, spans=2)


def test_aiohttp(world: World) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def scenario(app: App) -> None:
        app.script(_events())
        async with aiohttp.ClientSession() as session:
            async with session.post(_url(app), json=_BODY) as response:
                app.log.append(list(vars(response)) if hasattr(response, "__dict__") else None)
                app.log.append(_pickled(response)[0])
                app.log.append(_pickled(response.content)[0])
                await app.drain(response.content, 1)
        await asyncio.sleep(0)

    _http(world, scenario, True)


def _events() -> Sse:
    from tests.servers import openai_wire

    return Sse(openai_wire.chat_chunks(openai_wire.chat_message()))


def _url(app: App) -> str:
    return f"{app.server.url}/v1/chat/completions"


def _http(world: World, scenario: Any, asynchronous: bool, spans: int = 1) -> None:
    World(world.server, world.telemetry, http=True).compare(
        scenario, asynchronous=asynchronous, spans=spans
    )
