"""Bad weather: what surrounds a call fails, ends, or is switched off in the middle of it."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import otelier
from otelier import guard, runtime
from otelier.protocols.anthropic import messages as anthropic_messages
from otelier.protocols.openai import chat as openai_chat
from otelier.protocols.openai import responses as openai_responses
from tests.servers import Gate, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry
from tests.transparency.app import ASK, App
from tests.transparency.calls import CHAT, CLAUDE, HELPERS, RESPONSE, STREAM, STREAMS, WHOLE, Call
from tests.transparency.runner import World

CHAT_CALL = Call("chat", "openai", "chat.completions.create", CHAT)
CALLS = (
    CHAT_CALL,
    Call("chat stream", "openai", "chat.completions.create", {**CHAT, **STREAM}),
    Call("responses", "openai", "responses.create", RESPONSE),
    Call("responses stream", "openai", "responses.create", {**RESPONSE, **STREAM}),
    Call("messages", "anthropic", "messages.create", CLAUDE),
    Call("messages stream", "anthropic", "messages.create", {**CLAUDE, **STREAM}),
)
LONG = 20.0


async def _use(app: App, call: Call) -> None:
    result = app.track(await app.got(call.start(app)))
    if hasattr(type(result), "__stream__"):
        await app.drain(result)
    elif hasattr(result, "__enter__") or hasattr(result, "__aenter__"):
        manager, result = result, await app.enter(result)
        await app.drain(result)
        await app.leave(manager)
    else:
        app.note(result)


@contextlib.contextmanager
def _world(telemetry: Telemetry | None = None, **options: Any) -> Iterator[World]:
    with ProviderServer() as server:
        yield World(server, telemetry or Telemetry(), **options)


# --- switched off ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unsampled() -> Iterator[World]:
    with _world(Telemetry(ALWAYS_OFF)) as world:
        yield world


@pytest.fixture(scope="module")
def without_content() -> Iterator[World]:
    with _world(capture="NO_CONTENT") as world:
        yield world


@pytest.mark.parametrize("call", [*WHOLE, *STREAMS, *HELPERS], ids=str)
def test_unsampled(unsampled: World, call: Call, asynchronous: bool) -> None:
    unsampled.compare(lambda app: app.attempt(_use(app, call)), asynchronous=asynchronous, spans=0)


@pytest.mark.parametrize("call", [*WHOLE, *STREAMS, *HELPERS], ids=str)
def test_without_content(without_content: World, call: Call, asynchronous: bool) -> None:
    found = without_content.compare(
        lambda app: app.attempt(_use(app, call)), asynchronous=asynchronous, spans=call.spans
    )
    for span in found:
        assert "Hi" not in json.dumps(list((span.attributes or {}).values()), default=list)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_suppressed(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        client = app.client(call.client)
        with suppress_instrumentation():
            result = call.start(app, client)
            result = await app.got(result)
        if hasattr(type(result), "__stream__"):
            await app.drain(result)

    world.compare(scenario, asynchronous=asynchronous, spans=0)


@pytest.mark.parametrize(
    "options",
    [
        {"capture": "EVENT_ONLY"},
        {"capture": "SPAN_AND_EVENT"},
        {"emit_event": True, "chunk_times": True},
        {"message_bytes": 256, "span_bytes": 256},
        {"disabled": frozenset({"openai"})},
        {"generation": "gen_ai_latest_experimental/dup"},
    ],
    ids=str,
)
@pytest.mark.parametrize("call", CALLS[:2], ids=str)
def test_settings(call: Call, options: dict[str, Any], asynchronous: bool) -> None:
    with _world(**options) as world:
        world.compare(
            lambda app: _use(app, call),
            asynchronous=asynchronous,
            spans=0 if "disabled" in options else 1,
        )


# --- switched in the middle --------------------------------------------------------------------


@pytest.mark.parametrize("call", [call for call in CALLS if "stream" in call.name], ids=str)
def test_uninstrument_in_the_stream(world: World, call: Call, asynchronous: bool) -> None:
    async def scenario(app: App) -> None:
        client = app.client(call.client)
        stream = app.track(await app.got(call.start(app, client)))
        app.note(await app.next(stream))
        otelier.uninstrument()
        await app.drain(stream)
        app.note(await app.got(CHAT_CALL.start(app)))  # not seen any more

    (span,) = world.compare(scenario, asynchronous=asynchronous)
    assert span.attributes and span.attributes["gen_ai.response.finish_reasons"]


def test_instrument_in_the_stream(world: World) -> None:
    """A stream that began before is left alone."""
    client = openai.OpenAI(base_url=f"{world.server.url}/v1", api_key="k")
    world.server.clear()
    world.telemetry.exporter.clear()
    with client, client.chat.completions.create(**CHAT, stream=True) as stream:
        first = next(stream)
        world.telemetry.start()
        try:
            rest = list(stream)
            client.chat.completions.create(**CHAT)
        finally:
            world.telemetry.stop()
    assert first.id and rest[-1].choices[0].finish_reason == "stop"
    assert len(world.ours()) == 1


def test_instrument_twice(
    world: World, asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.logger, "filters", [lambda record: "already" not in record.msg])

    async def scenario(app: App) -> None:
        instrumented = runtime.current() is not None
        if instrumented:
            otelier.instrument()
        await _use(app, CHAT_CALL)
        if instrumented:
            otelier.uninstrument()
            otelier.uninstrument()
        await _use(app, CHAT_CALL)

    world.compare(scenario, asynchronous=asynchronous)


def test_restored() -> None:
    """Nothing of ours is left in the SDKs after uninstrument()."""
    anthropic = pytest.importorskip("anthropic")

    def members() -> list[Any]:
        return [
            dict(vars(owner))
            for sdk in (openai, anthropic)
            for owner in (
                sdk._base_client.SyncAPIClient,
                sdk._base_client.AsyncAPIClient,
                sdk._base_client.BaseClient,
                sdk.Stream,
                sdk.AsyncStream,
            )
        ]

    before = members()
    telemetry = Telemetry().start()
    assert members() != before
    telemetry.stop()
    assert members() == before


# --- things that raise -------------------------------------------------------------------------


class Broken(SpanProcessor):
    """A processor of the user's that fails."""

    def __init__(self, where: str) -> None:
        self.where = where

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self._fail("on_start", span)

    def on_end(self, span: Any) -> None:
        self._fail("on_end", span)

    def _fail(self, where: str, span: Any) -> None:
        scope = span.instrumentation_scope
        if self.where == where and scope is not None and scope.name == "otelier":
            raise RuntimeError("processor")


class BrokenExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise RuntimeError("exporter")


@pytest.mark.parametrize("where", ["on_start", "on_end"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_processor_raises(call: Call, where: str, asynchronous: bool) -> None:
    telemetry = Telemetry()
    telemetry.tracer_provider.add_span_processor(Broken(where))
    with _world(telemetry) as world:
        world.compare(
            lambda app: _use(app, call), asynchronous=asynchronous, spans=None, failures=True
        )
    assert guard.failures()


def test_exporter_raises() -> None:
    """OpenTelemetry logs it; the application sees nothing."""
    telemetry = Telemetry().start()
    telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(BrokenExporter()))
    with ProviderServer() as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")
        with client:
            assert client.chat.completions.create(**CHAT).choices
            assert list(client.chat.completions.create(**CHAT, stream=True))
    telemetry.stop()
    assert len(telemetry.spans()) == 2


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_mask_raises(call: Call, asynchronous: bool) -> None:
    def mask(name: str, value: Any) -> Any:
        raise RuntimeError("mask")

    with _world(mask=mask) as world:
        world.telemetry.start(**world.options)
        seen = world.observe(lambda app: _use(app, call), asynchronous)
        world.telemetry.stop()
        (span,) = world.ours()
    assert guard.failures() and "gen_ai.input.messages" not in (span.attributes or {})
    assert seen.wire and seen.log


READERS = (openai_chat.Reader, openai_responses.Reader, anthropic_messages.Reader)
# What of otelier is made to raise: place, name.
FRAGILE = (
    *(
        (reader, name)
        for reader in READERS
        for name in ("quick", "chunk", "whole", "reply", "__init__")
    ),
    ("otelier.outcome.identity", "put_known"),
    ("otelier.outcome.usage", "put"),
    ("otelier.content.Policy", "render"),
    ("otelier.cost.Prices", "price"),
    ("otelier.cost.Prices", "warm"),
    ("otelier.metrics.Recorder", "operation"),
    ("otelier.sdks.stainless.client", "identify"),
    ("otelier.sdks.stainless.client", "begin"),
    ("otelier.hooks.streams", "observe"),
    ("otelier.hooks.responses", "on_close"),
    ("otelier.hooks.raw", "received"),
    ("otelier.hooks.foreign", "stands_in"),
    ("otelier.context", "with_span"),
    ("otelier.context", "suppressed"),
    ("otelier.call.background", "account"),
    ("otelier.call", "answered"),
    ("otelier.outcome", "render"),
    ("otelier.outcome.Outcome", "write"),
    ("otelier.outcome.Outcome", "tell"),
    ("otelier.unicode", "attributes"),
    ("otelier.theirs", "made_for"),
)


@pytest.mark.parametrize(("owner", "name"), FRAGILE, ids=str)
def test_our_own_code_raises(
    world: World, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, asynchronous: bool
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a bug of ours")

    if isinstance(owner, str):
        monkeypatch.setattr(f"{owner}.{name}", broken)
    else:
        monkeypatch.setattr(owner, name, broken)

    async def scenario(app: App) -> None:
        for call in CALLS:
            client = app.client(call.client)
            await app.attempt(_use_all(app, call, client))

    world.compare(scenario, asynchronous=asynchronous, spans=None, failures=True)
    assert guard.failures()


async def _use_all(app: App, call: Call, client: Any) -> None:
    for view in ("", "with_raw_response", "with_streaming_response"):
        if not call.has(client, view):
            continue
        result = await app.got(call.start(app, client, view))
        if view == "with_streaming_response":
            manager, result = result, await app.enter(result)
            await app.drain(result.iter_bytes(50))
            await app.leave(manager)
            continue
        if view:
            result = await app.got(result.parse())
        if hasattr(type(result), "__stream__"):
            await app.drain(result)
        else:
            app.note(result)


# --- processes, threads, memory ----------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_with_an_open_stream(world: World) -> None:
    """The child reads the stream to its end, and ends."""
    world.server.clear()
    gate = Gate()
    world.server.script(Sse(openai_wire.chat_chunks(), gate=gate))
    telemetry = Telemetry().start()
    client = openai.OpenAI(base_url=f"{world.server.url}/v1", api_key="k", max_retries=0)
    stream = client.chat.completions.create(**CHAT, stream=True)
    next(stream)
    assert gate.reached.wait(LONG)
    gate.open()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(int(LONG))
            os._exit(0 if list(stream) and len(telemetry.spans()) == 1 else 3)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    del stream
    client.close()
    assert len(telemetry.spans()) == 1  # the parent's own
    telemetry.stop()


def _finish(work: Any) -> None:
    """Run ``work`` in a thread; a deadlock fails instead of hanging."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive(), "deadlock"
    assert not problems, problems


class Collecting(SpanExporter):
    """Collects garbage where a lock is held, as an allocation there may."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            gc.collect()
            self.names += [span.name for span in spans]
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize("view", ["", "with_raw_response"])
@pytest.mark.parametrize("batched", [False, True], ids=["simple", "batch"])
@pytest.mark.parametrize("call", [call for call in CALLS if "stream" in call.name], ids=str)
def test_abandoned_in_a_cycle_while_exporting(
    world: World, call: Call, batched: bool, view: str
) -> None:
    world.server.clear()
    app = App(world.server, world.telemetry, False)
    client = app.client(call.client)

    def abandon() -> None:
        stream = call.start(app, client, view)
        if view:
            stream = stream.parse()
        next(stream)
        stream.itself = stream

    exporter = Collecting()
    kind = BatchSpanProcessor if batched else SimpleSpanProcessor
    telemetry = Telemetry()
    telemetry.tracer_provider.add_span_processor(kind(exporter))
    telemetry.start()

    def work() -> None:
        abandon()
        CHAT_CALL.start(app)
        telemetry.tracer_provider.force_flush()

    gc.disable()  # but in the exporter
    try:
        _finish(work)
        telemetry.tracer_provider.force_flush()
        assert len(telemetry.spans()) == 2
        telemetry.tracer_provider.force_flush()
        assert len(exporter.names) == 2
    finally:
        gc.enable()
        telemetry.stop()
        client.close()
    assert not guard.failures()


def test_200_threads(world: World) -> None:
    world.server.clear()
    telemetry = Telemetry().start()
    client = openai.OpenAI(base_url=f"{world.server.url}/v1", api_key="k", timeout=LONG)
    barrier = threading.Barrier(200)
    texts: list[str] = []

    def read() -> None:
        barrier.wait(LONG)
        with client.chat.completions.create(**CHAT, stream=True) as stream:
            texts.append("".join(chunk.choices[0].delta.content or "" for chunk in stream))
        assert trace.get_current_span() is trace.INVALID_SPAN

    def work() -> None:
        threads = [threading.Thread(target=read, daemon=True) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)

    try:
        _finish(work)
    finally:
        telemetry.stop()
        client.close()
    assert texts == [openai_wire.TEXT] * 200
    assert len(telemetry.spans()) == 200
    assert not guard.failures()


def test_near_the_recursion_limit(world: World) -> None:
    """At every depth: the answer or RecursionError, and nothing is left behind."""
    world.server.clear()
    telemetry = Telemetry().start()
    client = openai.OpenAI(base_url=f"{world.server.url}/v1", api_key="k", max_retries=0)

    def deep(frames: int) -> Any:
        if frames:
            return deep(frames - 1)
        return list(client.chat.completions.create(model="m", messages=ASK, stream=True))

    used = len(_stack())
    outcomes = set()
    for room in range(10, 200, 4):
        try:
            deep(sys.getrecursionlimit() - used - room)
            outcomes.add("answer")
        except RecursionError:
            outcomes.add("recursion")
        except openai.APIConnectionError as error:  # the SDK's own view of it
            assert isinstance(error.__cause__, RecursionError)
        assert trace.get_current_span() is trace.INVALID_SPAN
    gc.collect()
    before = len(telemetry.spans())
    assert list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert len(telemetry.spans()) == before + 1
    telemetry.stop()
    client.close()
    assert outcomes == {"answer", "recursion"}


def _stack() -> list[Any]:
    frames = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames
