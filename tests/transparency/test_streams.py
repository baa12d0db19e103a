"""Streams on every path that a user may take through them, or out of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transparency.app import END, App
from tests.transparency.calls import CHAT, HELPERS, STREAMS, Call, product, resolve
from tests.transparency.runner import World

RAW, STREAMING = "with_raw_response", "with_streaming_response"


class OopsError(Exception):
    """The loop body's own error."""


async def _open(app: App, call: Call) -> Any:
    """A tracked stream that the server holds after its first event."""
    app.gate()
    app.aborts = 1
    return app.track(await app.got(call.start(app)))


async def full(app: App, call: Call) -> None:
    app.aborts = 0
    stream = app.track(await app.got(call.start(app)))
    app.track(stream.response)
    app.note(stream)
    app.log.append([base.__qualname__ for base in type(stream).__mro__])
    app.note(await app.drain(stream))
    app.note(stream.response, stream)
    app.note_connections()
    await app.drain(stream)  # there is nothing more
    del stream
    app.note_alive()


async def full_in_with(app: App, call: Call) -> None:
    app.aborts = 0
    stream = app.track(await app.got(call.start(app)))
    assert await app.enter(stream) is stream
    await app.drain(stream)
    await app.leave(stream)
    app.note(stream.response)


async def by_next(app: App, call: Call) -> None:
    """Without ``for``: the stream is its own iterator."""
    stream = app.track(await app.got(call.start(app)))
    while (item := await app.next(stream)) is not END:
        app.note(item)
    await app.attempt(app.next(stream))
    await app.close(stream)
    await app.close(stream)


async def next_and_close(app: App, call: Call) -> None:
    stream = await _open(app, call)
    app.note(await app.next(stream))
    await app.close(stream)
    app.note_connections()
    app.note(stream.response)
    app.note(await app.attempt(app.next(stream)) is END)


async def with_and_break(app: App, call: Call) -> None:
    stream = await _open(app, call)
    app.track(stream.response)
    await app.enter(stream)
    await app.drain(stream, 1)
    await app.leave(stream)
    app.note_connections()
    app.note(stream.response)
    del stream
    app.note_alive()


async def with_and_raise(app: App, call: Call) -> None:
    stream = await _open(app, call)
    await app.enter(stream)
    await app.drain(stream, 1)
    await app.leave(stream, OopsError("in the loop"))
    app.note_connections()


async def break_and_drop(app: App, call: Call) -> None:
    stream = await _open(app, call)
    app.track(stream.response)
    iterator = app.iterate(stream)
    app.note(await app.next(iterator))
    del iterator, stream
    app.note_alive()
    app.note_connections()


async def break_and_keep(app: App, call: Call) -> None:
    """Left in the middle, read on later, and then left for good."""
    stream = app.track(await app.got(call.start(app)))
    await app.drain(stream, 1)
    app.note(await app.next(stream) is END)


async def never_iterated(app: App, call: Call) -> None:
    stream = await _open(app, call)
    app.track(stream.response)
    del stream
    app.note_alive()
    app.note_connections()


async def closed_at_once(app: App, call: Call) -> None:
    stream = await _open(app, call)
    await app.close(stream)
    app.note(stream.response)
    await app.attempt(app.drain(stream))


async def peek_then_iterate(app: App, call: Call) -> None:
    stream = app.track(await app.got(call.start(app)))
    app.note(await app.next(app.iterate(stream)))
    app.note(await app.drain(stream))


async def response_read_directly(app: App, call: Call) -> None:
    stream = app.track(await app.got(call.start(app)))
    prefix = "a" if app.asynchronous else ""
    await app.drain(getattr(stream.response, f"{prefix}iter_lines")())
    await app.attempt(app.drain(stream))
    app.note(stream.response)


async def nested_call(app: App, call: Call) -> None:
    """Another call inside of the loop has the caller's span as parent, not the open stream's."""
    other = app.client()
    stream = app.track(await app.got(call.start(app)))
    iterator = app.iterate(stream)
    while (item := await app.next(iterator)) is not END:
        app.note(item)
        with app.span("body"):
            app.note(await app.got(other.chat.completions.create(**CHAT)))
        break
    app.note(await app.drain(stream))


async def interleaved(app: App, call: Call) -> None:
    client = app.client(call.client)
    streams = [app.track(await app.got(call.start(app, client))) for _ in range(2)]
    iterators = [app.iterate(stream) for stream in streams]
    while iterators:
        for iterator in list(iterators):
            item = await app.next(iterator)
            if item is END:
                iterators.remove(iterator)
            else:
                app.note(item)
    app.note_connections()


async def raw_parsed(app: App, call: Call) -> None:
    response = app.track(await app.got(call.start(app, view=RAW)))
    app.note(response.status_code, response)
    stream = app.track(await app.got(response.parse()))
    app.note(stream, (await app.got(response.parse())) is stream)
    await app.drain(stream)
    app.note(response)


async def raw_parsed_and_left(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    response = await app.got(call.start(app, view=RAW))
    stream = app.track(await app.got(response.parse()))
    await app.enter(stream)
    await app.drain(stream, 1)
    await app.leave(stream)
    app.note(response)
    app.note_connections()


async def raw_ignored(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    response = app.track(await app.got(call.start(app, view=RAW)))
    app.note(response)
    app.track(response.http_response)


async def raw_lines(app: App, call: Call) -> None:
    """The HTTP response itself, as a proxy would read it."""
    response = app.track(await app.got(call.start(app, view=RAW)))
    prefix = "a" if app.asynchronous else ""
    await app.drain(getattr(response.http_response, f"{prefix}iter_raw")())
    app.note(response)


async def _streaming(app: App, call: Call, read: Any) -> None:
    manager = call.start(app, view=STREAMING)
    response = app.track(await app.enter(manager))
    app.track(response.http_response)
    await app.attempt(read(response))
    app.note_connections()
    await app.leave(manager)
    app.note(response)
    del response, manager
    app.note_alive()


async def streaming_parsed(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        stream = app.track(await app.got(response.parse()))
        app.note(stream)
        await app.drain(stream)

    await _streaming(app, call, read)


async def streaming_parsed_and_left(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1

    async def read(response: Any) -> None:
        await app.drain(app.track(await app.got(response.parse())), 1)

    await _streaming(app, call, read)


async def streaming_read(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        app.note(await app.got(response.read()))

    await _streaming(app, call, read)


async def streaming_lines(app: App, call: Call) -> None:
    await _streaming(app, call, lambda response: app.drain(response.iter_lines()))


async def streaming_bytes(app: App, call: Call) -> None:
    await _streaming(app, call, lambda response: app.drain(response.iter_bytes(11)))


async def streaming_texts(app: App, call: Call) -> None:
    async def read(response: Any) -> None:
        parts = []
        iterator = app.iterate(response.iter_text())
        while (part := await app.next(iterator)) is not END:
            parts.append(part)
        app.note("".join(parts))  # how it is cut is up to the sockets

    await _streaming(app, call, read)


async def streaming_left(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    await _streaming(app, call, lambda response: app.drain(response.iter_lines(), 1))


async def streaming_unread(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1

    async def read(response: Any) -> None:
        pass

    await _streaming(app, call, read)


PATHS = (
    full,
    full_in_with,
    by_next,
    next_and_close,
    with_and_break,
    with_and_raise,
    break_and_drop,
    break_and_keep,
    never_iterated,
    closed_at_once,
    peek_then_iterate,
    response_read_directly,
    nested_call,
    interleaved,
    raw_parsed,
    raw_parsed_and_left,
    raw_ignored,
    raw_lines,
    streaming_parsed,
    streaming_parsed_and_left,
    streaming_read,
    streaming_lines,
    streaming_bytes,
    streaming_texts,
    streaming_left,
    streaming_unread,
)
TWO = (nested_call, interleaved)


BASIC = (full, with_and_break, break_and_drop, never_iterated, raw_parsed, streaming_lines)
MODELS = frozenset({"chat", "responses", "messages"})


@pytest.mark.parametrize(("call", "path"), product(STREAMS, PATHS, BASIC, MODELS))
def test_stream(world: World, call: Call, path: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await app.attempt(path(app, call))

    found = world.compare(
        scenario,
        asynchronous=asynchronous,
        spans=2 if path in TWO else 1,
        parents=("caller", "body"),
    )
    if path is nested_call:
        by_id = {
            span.context.span_id: span.name
            for span in world.telemetry.exporter.get_finished_spans()
            if span.context is not None
        }
        names = [by_id[span.parent.span_id] for span in found if span.parent is not None]
        assert names == ["body", "caller"]


# --- the SDKs' own helpers over streams ---------------------------------------------------------


async def helper_full(app: App, call: Call) -> None:
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    app.log.append([base.__qualname__ for base in type(stream).__mro__])
    await app.drain(stream)
    await _final(app, stream)
    await app.leave(manager)
    app.note_connections()
    del manager, stream
    app.note_alive()


async def helper_final(app: App, call: Call) -> None:
    manager = call.start(app)
    await _final(app, app.track(await app.enter(manager)))
    await app.leave(manager)


async def _final(app: App, stream: Any) -> None:
    for name in ("get_final_completion", "get_final_response", "get_final_message"):
        if hasattr(stream, name):
            app.note(await app.got(getattr(stream, name)()))


async def helper_until_done(app: App, call: Call) -> None:
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    app.note(await app.got(resolve(stream, "until_done")()) is stream)
    await app.leave(manager)


async def helper_texts(app: App, call: Call) -> None:
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    await app.drain(resolve(stream, "text_stream"))
    app.note(resolve(stream, "current_message_snapshot"))
    await app.leave(manager)


async def helper_break(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    await app.drain(stream, 1)
    await app.leave(manager)
    app.note_connections()
    del manager, stream
    app.note_alive()


async def helper_raise(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    await app.drain(stream, 1)
    await app.leave(manager, OopsError("in the loop"))


async def helper_close(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    app.note(await app.next(app.iterate(stream)))
    await app.close(stream)
    app.note_connections()
    await app.leave(manager)


async def helper_unread(app: App, call: Call) -> None:
    app.gate()
    app.aborts = 1
    manager = call.start(app)
    app.track(await app.enter(manager))
    await app.leave(manager)


async def helper_dropped(app: App, call: Call) -> None:
    """Entered, begun, and dropped without its end."""
    app.gate()
    app.aborts = 1
    manager = call.start(app)
    stream = app.track(await app.enter(manager))
    app.note(await app.next(app.iterate(stream)))
    del manager, stream
    app.note_alive()


async def helper_not_entered(app: App, call: Call) -> None:
    """Some SDKs make the call only when the manager is entered."""
    app.track(call.start(app))


HELPER_PATHS = (
    helper_full,
    helper_final,
    helper_until_done,
    helper_texts,
    helper_break,
    helper_raise,
    helper_close,
    helper_unread,
    helper_dropped,
    helper_not_entered,
)


HELPER_BASIC = (helper_full, helper_break)


@pytest.mark.parametrize(("call", "path"), product(HELPERS, HELPER_PATHS, HELPER_BASIC, MODELS))
def test_helper(world: World, call: Call, path: Any, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        await app.attempt(path(app, call))

    spans = 0 if path is helper_not_entered else 1
    world.compare(scenario, asynchronous=asynchronous, spans=spans)
