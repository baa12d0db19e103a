"""Loops over streams: several over one, in turn and at once, entered and thrown into."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otelier import guard
from tests.transparency.app import App
from tests.transparency.calls import STREAMS, Call
from tests.transparency.describe import plain
from tests.transparency.runner import World

CALLS = [call for call in STREAMS if call.name in ("chat", "responses", "messages")]


async def some(app: App, stream: Any, most: int) -> None:
    """A loop that is left after so many items, or at the end."""
    count = 0
    if app.asynchronous:
        async for item in stream:
            app.note(item)
            count += 1
            if count == most:
                return
    else:
        for item in stream:
            app.note(item)
            count += 1
            if count == most:
                return
    app.log.append("end")


async def several(app: App, stream: Any) -> None:
    """Each goes on where the one before was left, whether or not it lives."""
    await some(app, stream, 1)
    app.note(await app.next(stream))
    kept = app.iterate(stream)
    app.note(await app.next(kept))
    await some(app, stream, 1)
    app.note(await app.next(kept))
    for _ in range(3):
        await some(app, stream, 1 << 30)
    await app.attempt(app.next(kept))


async def closed(app: App, stream: Any) -> None:
    """What the loop runs on is closed: the stream is not."""
    iterator = app.iterate(stream)
    app.note(await app.next(iterator))
    await app.got(iterator.aclose() if app.asynchronous else iterator.close())
    app.note(await app.next(iterator))
    await some(app, stream, 1 << 30)


async def thrown_into(app: App, stream: Any) -> None:
    iterator = app.iterate(stream)
    app.note(await app.next(iterator))

    async def throw() -> None:
        error = ValueError("by the program")
        await app.got(iterator.athrow(error) if app.asynchronous else iterator.throw(error))

    await app.attempt(throw())
    await some(app, stream, 1 << 30)


async def never_begun(app: App, stream: Any) -> None:
    """What a loop begins with, and nothing of it."""
    for _ in range(3):
        app.iterate(stream)
    iterator = app.iterate(stream._iterator)
    del iterator
    await some(app, stream, 1 << 30)


WAYS = (several, closed, thrown_into, never_begun)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_one_after_the_other(world: World, call: Call, way: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await way(app, app.track(await app.got(call.start(app))))

    (span,) = world.compare(scenario, asynchronous=asynchronous)
    assert "otelier.stream.end" not in (span.attributes or {})


@pytest.mark.parametrize("by_next", [True, False], ids=["next", "loop"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_two_at_once(world: World, call: Call, by_next: bool, asynchronous: bool) -> None:
    """The SDK refuses the second; the first reads on, and has not failed."""

    async def second(app: App, stream: Any) -> None:
        if by_next:
            await app.got(stream.__anext__() if app.asynchronous else next(stream))
        else:
            await some(app, stream, 1)

    async def scenario(app: App) -> None:
        gate = app.gate()
        stream = await app.got(call.start(app))
        await some(app, stream, 1)
        found: list[str] = []
        if app.asynchronous:

            async def read() -> None:
                async for item in stream:
                    found.append(plain(repr(item)))

            task = asyncio.create_task(read())
            await app.reached(gate)
            await asyncio.sleep(0)
            await app.attempt(second(app, stream))
            gate.open()
            await task
        else:

            def read_here() -> None:
                for item in stream:
                    entered.set()
                    found.append(plain(repr(item)))

            entered = threading.Event()
            thread = threading.Thread(target=read_here)
            thread.start()
            await app.reached(gate)
            inner: Any = stream._iterator
            while not (inner.gi_running or entered.is_set()):
                pass
            await app.attempt(second(app, stream))
            gate.open()
            thread.join()
        app.log.append(found)

    (span,) = world.compare(scenario, asynchronous=asynchronous)
    assert span.status.status_code is StatusCode.UNSET
    assert "otelier.stream.end" not in (span.attributes or {})


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_event_loops_know_of_no_more_generators(world: World, call: Call) -> None:
    """Each is a task more at the end, and a warning of trio's."""

    async def scenario(app: App) -> None:
        known: list[str] = []
        first, last = sys.get_asyncgen_hooks()

        def begins(generator: Any) -> None:
            known.append(f"begins {generator.__qualname__}")
            assert first is not None
            first(generator)

        def dropped(generator: Any) -> None:
            known.append(f"dropped {generator.__qualname__}")
            assert last is not None
            last(generator)

        sys.set_asyncgen_hooks(begins, dropped)
        stream = await app.got(call.start(app))
        for most in (1, 1, 2):
            await some(app, stream, most)
            app.log.append(len(asyncio.all_tasks()))
        assert sys.get_asyncgen_hooks() == (begins, dropped)
        await some(app, stream, 1 << 30)
        app.log.append(known)

    world.compare(scenario, asynchronous=True)


def test_a_program_that_forbids_to_set_hooks(world: World, monkeypatch: Any) -> None:
    """As an audit hook may: the stream is read all the same."""

    def forbidden(*_: Any) -> None:
        raise RuntimeError("forbidden")

    async def scenario(app: App) -> None:
        stream = await app.got(CALLS[0].start(app))
        with monkeypatch.context() as patching:
            patching.setattr(sys, "set_asyncgen_hooks", forbidden)
            iterator = aiter(stream)
            app.note(await app.next(iterator))
        app.note(await app.drain(iterator))

    world.compare(scenario, asynchronous=True, failures=True)
    assert set(guard.failures()) == {"streams.each"}
