"""Who leaves is no failure; a cancellation that the program raises itself is one."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import CancelledError as FutureCancelled
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry.trace import StatusCode

import otelier
from otelier import leaving, semconv
from otelier.steady import steady
from tests.installed import openai_streams
from tests.servers import Gate, Hang, ProviderServer, Sse, anthropic_wire
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
LEFT = (StatusCode.UNSET, None, "cancelled")


def outcome(span: Any) -> tuple[Any, Any, Any]:
    found = span.attributes or {}
    return span.status.status_code, found.get("error.type"), found.get(semconv.STREAM_END)


def failed(kind: str) -> tuple[Any, Any, Any]:
    return StatusCode.ERROR, kind, None


CANCELLED = "asyncio.exceptions.CancelledError"


def kinds_of_errors(telemetry: Telemetry) -> set[Any]:
    points = [point for each in telemetry.metrics().values() for point in each]
    return {point.attributes.get("error.type") for point in points} - {None}


# --- cancelled from outside ---------------------------------------------------------------------


async def by_task(work: Callable[[], Coroutine[Any, Any, Any]], reached: Any) -> None:
    task = asyncio.create_task(work())
    await reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(work: Callable[[], Coroutine[Any, Any, Any]], reached: Any) -> None:
    async def ending(scope: asyncio.Timeout) -> None:
        await reached()
        scope.reschedule(0)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as scope:
            watching = asyncio.create_task(ending(scope))
            await work()
    await watching


async def by_group(work: Callable[[], Coroutine[Any, Any, Any]], reached: Any) -> None:
    async def breaking() -> None:
        await reached()
        raise KeyError("the other one")

    with pytest.raises(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            group.create_task(breaking())


async def by_anyio(work: Callable[[], Coroutine[Any, Any, Any]], reached: Any) -> None:
    import anyio

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await reached()
        group.cancel_scope.cancel()


async def by_anyio_here(work: Callable[[], Coroutine[Any, Any, Any]], reached: Any) -> None:
    import anyio

    async def ending(scope: anyio.CancelScope) -> None:
        await reached()
        scope.cancel()

    with anyio.CancelScope() as scope:
        watching = asyncio.create_task(ending(scope))
        await work()
    await watching


WAYS = (by_task, by_timeout, by_group, by_anyio, by_anyio_here)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("kind", ["call", "stream", "generator", "block", "returned"])
def test_left_by_a_scope(telemetry: Telemetry, server: ProviderServer, way: Any, kind: str) -> None:
    gate = Gate(hold_after=2)
    held = Sse(chat_chunks(chat_message()), gate=gate)
    server.script(Hang(gate) if kind == "call" else held)

    async def ask(client: openai.AsyncOpenAI) -> AsyncIterator[Any]:
        async for chunk in await client.chat.completions.create(stream=True, **CHAT):
            yield chunk

    @otelier.agent("a")
    async def generator(client: openai.AsyncOpenAI) -> AsyncIterator[Any]:
        async for chunk in ask(client):
            yield chunk

    @otelier.agent("a")
    def returned(client: openai.AsyncOpenAI) -> Any:
        return ask(client)

    async def work() -> None:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k") as client:
            if kind == "generator":
                async for _ in generator(client):
                    pass
            elif kind == "returned":
                async for _ in returned(client):
                    pass
            elif kind == "call":
                with otelier.agent("a"):
                    await client.chat.completions.create(**CHAT)
            else:
                async with otelier.agent("a"):
                    async for _ in ask(client):
                        pass

    async def reached() -> None:
        if kind == "call":
            while not server.requests:
                await asyncio.sleep(0)
        else:
            assert await asyncio.to_thread(gate.reached.wait, 5)

    asyncio.run(way(work, reached))
    gate.open()
    assert outcome(telemetry.span("chat")) == LEFT
    agent = telemetry.span("invoke_agent")
    assert outcome(agent) == LEFT
    assert (agent.attributes or {})[semconv.UNCOUNTED_CALLS] == 1
    assert kinds_of_errors(telemetry) == set()
    assert telemetry.events() == []


def test_what_is_around_a_timeout_has_failed(telemetry: Telemetry) -> None:
    @otelier.tool("inner")
    async def inner() -> None:
        await asyncio.Event().wait()

    @otelier.tool("outer")
    async def outer(wait: Any) -> None:
        await wait(inner())

    async def by_wait_for(work: Any) -> None:
        await asyncio.wait_for(work, 0.001)

    async def by_scope(work: Any) -> None:
        async with asyncio.timeout(0.001):
            await work

    async def by_anyio(work: Any) -> None:
        import anyio

        with anyio.fail_after(0.001):
            await work

    for wait in (by_wait_for, by_scope, by_anyio):
        with pytest.raises(TimeoutError):
            asyncio.run(outer(wait))
        within, around = telemetry.spans()
        assert outcome(within) == LEFT
        assert outcome(around) == failed("TimeoutError")
        telemetry.clear()


# --- raised by the program ----------------------------------------------------------------------


def test_a_cancellation_that_the_program_raises(telemetry: Telemetry) -> None:
    @otelier.tool
    async def tool() -> None:
        raise asyncio.CancelledError("no")

    @otelier.agent
    async def agent() -> None:
        await tool()

    @otelier.step
    def plain() -> None:
        raise asyncio.CancelledError

    @otelier.step
    def future() -> None:
        raise FutureCancelled

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(agent())
    with pytest.raises(asyncio.CancelledError):
        plain()
    with pytest.raises(FutureCancelled):
        future()
    assert [outcome(span) for span in telemetry.spans()] == [
        *[failed(CANCELLED)] * 3,
        failed("concurrent.futures._base.CancelledError"),
    ]
    assert kinds_of_errors(telemetry) == {CANCELLED}


def test_the_result_of_another_task_that_was_cancelled(telemetry: Telemetry) -> None:
    @otelier.step
    async def step() -> None:
        other = asyncio.create_task(asyncio.sleep(9))
        await asyncio.sleep(0)
        other.cancel()
        await other

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(step())
    assert outcome(telemetry.span()) == failed(CANCELLED)


@openai_streams
def test_a_call_in_which_the_program_raises_one(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    def hook(_: Any) -> None:
        raise asyncio.CancelledError

    http = openai.DefaultHttpxClient(event_hooks={"request": [hook]})
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", http_client=http)
    with pytest.raises(asyncio.CancelledError):
        client.chat.completions.create(**CHAT)
    assert outcome(telemetry.span("chat")) == failed(CANCELLED)


# --- other words for it -------------------------------------------------------------------------


def test_threads_of_anyio(telemetry: Telemetry) -> None:
    anyio = pytest.importorskip("anyio", minversion="4.1")
    entered, go = threading.Event(), threading.Event()

    @otelier.tool
    def work() -> None:
        entered.set()
        go.wait(5)
        anyio.from_thread.check_cancelled()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, work)
            while not entered.is_set():
                await anyio.sleep(0)
            group.cancel_scope.cancel()
            go.set()

    asyncio.run(main())
    assert outcome(telemetry.span()) == LEFT


def test_trio(telemetry: Telemetry) -> None:
    trio = pytest.importorskip("trio")
    pytest.importorskip("trio.testing")

    @otelier.tool
    async def one() -> None:
        await trio.sleep_forever()

    @otelier.agent
    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(one)

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(both)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()

    trio.run(main)
    assert [outcome(span) for span in telemetry.spans()] == [LEFT] * 3


@pytest.mark.parametrize("awaited", [False, True])
def test_the_same_button_is_the_same_end(telemetry: Telemetry, awaited: bool) -> None:
    """Ctrl-C cancels what an event loop runs, and is raised in all else."""

    @otelier.agent("a")
    def work() -> None:
        signal.raise_signal(signal.SIGINT)

    @otelier.agent("a")
    async def awork() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(awork()) if awaited else work()
    assert outcome(telemetry.span()) == LEFT


def test_groups() -> None:
    other = BaseExceptionGroup("g", [GeneratorExit(), KeyError()])
    assert leaving.how(other) is None
    assert leaving.how(ExceptionGroup("g", [KeyError()])) is None
    assert leaving.how(None) is None
    assert leaving.how(GeneratorExit()) == "closed"
    assert leaving.how(KeyboardInterrupt()) == "cancelled"
    assert leaving.how(SystemExit()) is None


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("starlette.requests", "ClientDisconnect"),
        ("starlette.websockets", "WebSocketDisconnect"),
        ("django.core.exceptions", "RequestAborted"),
        ("greenlet", "GreenletExit"),
    ],
)
def test_frameworks_words(telemetry: Telemetry, module: str, name: str) -> None:
    kind = getattr(pytest.importorskip(module), name)

    @otelier.agent
    def served() -> None:
        raise kind

    with pytest.raises(kind):
        served()
    assert outcome(telemetry.span()) == LEFT


def test_a_block_in_a_generator_that_is_closed(telemetry: Telemetry) -> None:
    def served() -> Any:
        with otelier.agent("a"):
            yield 1

    run = served()
    next(run)
    del run
    gc.collect()
    assert outcome(telemetry.span()) == (StatusCode.UNSET, None, "closed")


def test_anthropic_s_stream_helper(telemetry: Telemetry, server: ProviderServer) -> None:
    gate = Gate(hold_after=3)
    events = anthropic_wire.message_events(anthropic_wire.message())
    server.script(Sse(events, done=None, named=True, gate=gate))
    asked: Any = {**CHAT, "model": "claude-opus-4-6", "max_tokens": 9}

    async def main() -> None:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:

            async def work() -> None:
                async with client.messages.stream(**asked) as stream:
                    async for _ in stream.text_stream:
                        pass

            async def reached() -> None:
                assert await asyncio.to_thread(gate.reached.wait, 5)

            await by_task(work, reached)

    asyncio.run(main())
    gate.open()
    span = telemetry.span("chat")
    assert outcome(span) == LEFT
    # What was received until then is there; what it cost is not known.
    assert semconv.COST not in (span.attributes or {})


# --- messages group -----------------------------------------------------------------------------


def test_messages_have_no_addresses(telemetry: Telemetry) -> None:
    class Thing:
        pass

    @otelier.step
    async def step() -> None:
        task = asyncio.current_task()
        raise RuntimeError(f"{Thing()} of {task!r} is attached to a different loop")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            asyncio.run(step())
    first, second = (span.status.description for span in telemetry.spans())
    assert first == second
    assert first is not None and "0x" not in first and "Task-" not in first
    assert first.endswith("> of <Task> is attached to a different loop")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<a.B object at 0x7f00deadbeef> failed", "<a.B object> failed"),
        ("<function f at 0x7fc292bbd620>", "<function f>"),
        ("status 0x1f, id 0x7f00deadbeef12", "status 0x1f, id …"),
        ("Cancelled via cancel scope 7f3a12bc9d10", "Cancelled via cancel scope …"),
        (
            "<Task pending name='Task-2' coro=<f() running at x.py:2> "
            "wait_for=<Future pending cb=[Task.task_wakeup()]>> got",
            "<Task> got",
        ),
        ("<Task pending name='a>b' coro=<f()>>, more", "<Task>, more"),
        ("<Task pending name='Task-2' coro=<f() runn", "<Task>"),
        ("<_GatheringFuture pending> and <Future at 0x7f00deadbeef state=running>",
         "<_GatheringFuture> and <Future>"),
        ("<TimerHandle when=12.3 f() at x.py:1>", "<TimerHandle>"),
        ("Task 5 failed: a < b, 0x12", "Task 5 failed: a < b, 0x12"),
    ],
)  # fmt: skip
def test_what_differs_is_left_out(said: str, kept: str) -> None:
    assert steady(said) == kept


@openai_streams
def test_events_have_the_same_message(telemetry: Telemetry, server: ProviderServer) -> None:
    def hook(_: Any) -> None:
        raise LookupError(f"bad {object()}")

    http = openai.DefaultHttpxClient(event_hooks={"request": [hook]})
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", http_client=http)
    with pytest.raises(LookupError):
        client.chat.completions.create(**CHAT)
    assert telemetry.span("chat").status.description == "bad <object object>"
    told = [dict(event.attributes) for event in telemetry.events()]
    assert [each["exception.message"] for each in told] == ["bad <object object>"]
    assert " at 0x" not in json.dumps(told)
