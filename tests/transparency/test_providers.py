"""Every SDK that is not of the Stainless family, on every path that its users take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from tests.servers import Drop, Hang, Json
from tests.servers.replies import Chunked, Gate, Sse
from tests.transparency.app import App
from tests.transparency.providers import Case, Provider, open_client, providers
from tests.transparency.runner import World


class OopsError(Exception):
    """The loop body's own error."""


async def start(app: App, provider: Provider, case: Case) -> Any:
    """Make the call: its result, or its stream."""
    client = open_client(provider, app)
    result = await app.got(case.start(client, app.asynchronous))
    return await case.stream(app, result) if case.streamed else result


async def answered(app: App, provider: Provider, case: Case) -> None:
    app.script(*(case.reply() for _ in range(case.requests)))
    app.note(app.track(await start(app, provider, case)))


async def twice(app: App, provider: Provider, case: Case) -> None:
    """The second call uses the client, and perhaps the connection, of the first."""
    client = open_client(provider, app)
    for _ in range(2):
        app.script(*(case.reply() for _ in range(case.requests)))
        await app.attempt(_whole(app, case, client))


async def _whole(app: App, case: Case, client: Any) -> None:
    result = await app.got(case.start(client, app.asynchronous))
    if case.streamed:
        await app.drain(await case.stream(app, result))
    else:
        app.note(result)


async def refused(app: App, provider: Provider, case: Case) -> None:
    app.server.route("", lambda request: provider.error())
    await app.attempt(_all(app, provider, case))


async def broken(app: App, provider: Provider, case: Case) -> None:
    """The body is no JSON, and no stream."""
    app.server.route("", Json({"unexpected": [1, None]}))
    await app.attempt(_all(app, provider, case))


async def dropped(app: App, provider: Provider, case: Case) -> None:
    """The connection ends before there is an answer."""
    app.server.route("", Drop())
    await app.attempt(_all(app, provider, case))


async def cancelled(app: App, provider: Provider, case: Case) -> None:
    """The task is cancelled while it waits for the answer."""
    if not app.asynchronous:
        pytest.skip("only tasks are cancelled")
    gate = Gate()
    app.aborts = 1
    app.script(Hang(gate))
    task = asyncio.create_task(_all(app, provider, case))
    await asyncio.sleep(0)
    if task.done():
        task.result()  # This version has no such call.
    await app.reached(gate)
    task.cancel()
    await app.attempt(task)


async def _all(app: App, provider: Provider, case: Case) -> Any:
    result = await start(app, provider, case)
    if case.streamed:
        return await app.drain(result)
    return app.note(result)


# --- streams ----------------------------------------------------------------------------------


async def full(app: App, provider: Provider, case: Case) -> None:
    app.script(case.reply())
    stream = app.track(await start(app, provider, case))
    app.log.append([base.__qualname__ for base in type(stream).__mro__])
    app.note(getattr(stream, "__name__", None))
    app.note(await app.drain(stream))
    del stream
    app.note_alive()


async def _held(app: App, provider: Provider, case: Case) -> Any:
    """A stream that the server holds after its first event."""
    app.gate(case.ahead)
    app.script(case.reply())
    return app.track(await start(app, provider, case))


async def break_and_drop(app: App, provider: Provider, case: Case) -> None:
    stream = await _held(app, provider, case)
    iterator = app.iterate(stream)
    app.note(await app.next(iterator))
    del iterator, stream
    await _settle(app)
    app.note_alive()


async def next_and_close(app: App, provider: Provider, case: Case) -> None:
    stream = await _held(app, provider, case)
    iterator = app.iterate(stream)
    app.note(await app.next(iterator))
    owner = stream if hasattr(stream, "close") or hasattr(stream, "aclose") else iterator
    if not (hasattr(owner, "close") or hasattr(owner, "aclose")):
        pytest.skip("this stream cannot be closed")
    await app.attempt(app.close(owner))
    await app.attempt(app.next(iterator))


async def raise_inside(app: App, provider: Provider, case: Case) -> None:
    stream = await _held(app, provider, case)

    async def loop() -> None:
        iterator = app.iterate(stream)
        app.note(await app.next(iterator))
        raise OopsError("in the loop")

    await app.attempt(loop())


async def never_iterated(app: App, provider: Provider, case: Case) -> None:
    stream = await _held(app, provider, case)
    del stream
    await _settle(app)
    app.note_alive()


async def cut(app: App, provider: Provider, case: Case) -> None:
    """The connection ends in the middle of the stream."""
    reply = case.reply()
    assert isinstance(reply, Sse | Chunked)
    reply.drop_after = 1
    app.script(reply)
    await app.attempt(_all(app, provider, case))


async def cancelled_inside(app: App, provider: Provider, case: Case) -> None:
    """The task is cancelled while it waits for the second event."""
    if not app.asynchronous:
        pytest.skip("only tasks are cancelled")
    gate = app.gate(case.ahead)
    app.script(case.reply())
    task = asyncio.create_task(_all(app, provider, case))
    await asyncio.sleep(0)
    if task.done():
        task.result()  # This version has no such call.
    await app.reached(gate)
    # What was sent is not received yet where another thread does that (gRPC).
    end = monotonic() + 0.2
    while not app.log and monotonic() < end:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await app.attempt(task)


async def _settle(app: App) -> None:
    """Let the event loop close what was dropped."""
    if app.asynchronous:
        for _ in range(10):
            await asyncio.sleep(0)


ALL = (answered, twice, refused, broken, dropped, cancelled)
STREAMS = (
    full,
    break_and_drop,
    next_and_close,
    raise_inside,
    never_iterated,
    cut,
    cancelled_inside,
)
# How many spans a path makes, where that is not one for each call.
LAZY = {never_iterated: None, refused: None, broken: None, dropped: None, cancelled: None}

Path = Callable[[App, Provider, Case], Any]


def _parameters() -> list[Any]:
    found = []
    for provider in providers():
        for case in provider.cases:
            paths: tuple[Path, ...] = ALL[1:] + STREAMS if case.streamed else ALL
            for path in paths:
                reason = provider.without.get(path.__name__)
                marks = [pytest.mark.skip(reason)] if reason else []
                name = f"{provider.name}-{case.name}-{path.__name__}"
                found.append(pytest.param(provider, case, path, id=name, marks=marks))
    return found


@pytest.mark.parametrize(("provider", "case", "path"), _parameters())
def test_provider(
    world: World, provider: Provider, case: Case, path: Path, asynchronous: bool
) -> None:
    if ("async" if asynchronous else "sync") not in case.flavours:
        pytest.skip(f"{provider.name} has no such call")
    pytest.importorskip((asynchronous and provider.asynchronous) or provider.module)

    async def scenario(app: App) -> None:
        await app.attempt(path(app, provider, case))

    spans = None if path in LAZY else case.spans * (2 if path is twice else 1)
    found = world.compare(
        scenario,
        asynchronous=asynchronous,
        spans=spans,
        parents=("caller", *case.parents),
    )
    if case.spans and path in LAZY and path is not never_iterated:
        assert found, "a call that failed has a span, too"


def test_there_are_providers() -> None:
    assert providers()
