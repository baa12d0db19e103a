"""Operations to measure: real SDKs over a transport without sockets, bare, by hand, or by otelier.

Everything happens in this process and, but for the price data that otelier loads once, in this
thread. Spans go to a processor that drops them, metrics to a reader that nobody asks.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import anthropic
import httpx2
import openai
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracerProvider

import otelier
from benchmarks import payloads
from benchmarks.floor import Floor
from benchmarks.peers import others
from otelier import guard, runtime

VARIANTS: Final = ("bare", "floor", "otelier")
_ANSWERS: Final = itertools.count()
_JSON: Final = {**payloads.HEADERS, "content-type": "application/json"}
_SSE: Final = {**payloads.HEADERS, "content-type": "text/event-stream; charset=utf-8"}


@dataclass(frozen=True)
class Scenario:
    """One kind of operation."""

    api: str
    large: bool = False
    # Every text of a large request is new; else the same conversation comes again and again.
    fresh: bool = False
    # The conversation goes on: each call has the last answer and a new text of the user's more.
    growing: bool = False
    chunks: int = 0
    kind: str = "text"
    asynchronous: bool = False
    content: bool = True
    # "on", "unsampled" or "none" (no-op provider); the latter two without metrics.
    sampling: str = "on"
    # The stream's chunks are parsed beforehand: what is left is nearly nothing but ours.
    lite: bool = False

    @property
    def name(self) -> str:
        words = [self.api, "large" if self.large else "small"]
        if self.chunks:
            words = [self.api, f"{self.chunks}_{self.kind}_chunks"]
        words += ["lite"] * self.lite + ["fresh"] * self.fresh + ["growing"] * self.growing
        words += ["async"] * self.asynchronous
        words += ["no_content"] * (not self.content)
        words += [self.sampling] * (self.sampling != "on")
        return " ".join(words)


class Dropped(SpanProcessor):
    """Where spans go: nowhere."""

    def on_end(self, span: Any) -> None:
        """Nothing."""


class Events(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that gives one event at a time and counts what was asked for."""

    def __init__(self, events: list[bytes]) -> None:
        self.events = events
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        for event in self.events:
            self.given += 1
            yield event

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self.events:
            self.given += 1
            yield event


class Bench:
    """A scenario in one of its variants, ready to :meth:`run`."""

    def __init__(
        self,
        scenario: Scenario,
        variant: str,
        request: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.scenario = scenario
        self.variant = variant
        self.calls = 0
        self.body: Events | None = None
        self._open: list[Any] = []
        self._reply = payloads.reply(scenario.api)
        self._events = payloads.events(scenario.api, scenario.chunks or 1, scenario.kind)
        self._request = request or payloads.REQUESTS[scenario.api](scenario.large)
        self._more: dict[str, Any] = {}
        if scenario.chunks:
            self._more["stream"] = True
            if scenario.api == "chat":
                self._more["stream_options"] = {"include_usage": True}
        self._loop = asyncio.new_event_loop() if scenario.asynchronous else None
        self.tracer_provider, self.meter_provider = self._providers(options)
        self._undo = self._other()
        self._create = self._client()
        if scenario.lite:
            self._parse_beforehand()
        self._floor: Floor | None = None
        if variant.startswith("floor"):
            self._floor = Floor(
                self.tracer_provider, self.meter_provider, scenario.content, variant == "floor+cost"
            )
        elif variant == "otelier":
            otelier.instrument(
                **{
                    "tracer_provider": self.tracer_provider,
                    "meter_provider": self.meter_provider or NoOpMeterProvider(),
                    "capture": "SPAN_ONLY" if scenario.content else "NO_CONTENT",
                    **options,
                }
            )
        self.run: Callable[[], Any] = self._run_async if scenario.asynchronous else self._run
        for _ in range(3):
            self.run()
        self._wait_for_prices()

    def _providers(self, options: dict[str, Any]) -> tuple[Any, Any]:
        if "tracer_provider" in options:
            return options["tracer_provider"], options.get("meter_provider")
        if self.scenario.sampling == "none":
            return NoOpTracerProvider(), None
        if self.scenario.sampling == "unsampled":
            return TracerProvider(sampler=ALWAYS_OFF), None
        provider = TracerProvider()
        provider.add_span_processor(Dropped())
        return provider, MeterProvider([InMemoryMetricReader()])

    def _other(self) -> Callable[[], None] | None:
        """Switch on another instrumentation: before its client, whose methods it replaces."""
        if self.variant not in others.PEERS:
            return None
        meter_provider = self.meter_provider or NoOpMeterProvider()
        return others.switch_on(
            self.variant, self.tracer_provider, meter_provider, self.scenario.content
        )

    def _client(self) -> Callable[..., Any]:
        transport = httpx2.MockTransport(self._answer)
        http: Any
        if self._loop is not None:
            http = httpx2.AsyncClient(transport=transport)
        else:
            http = httpx2.Client(transport=transport)
        make: Any
        if self.scenario.api == "messages":
            make = anthropic.AsyncAnthropic if self._loop else anthropic.Anthropic
            self.client = make(api_key="local", http_client=http, open_telemetry=False)
            return self.client.messages.create  # type: ignore[no-any-return]
        make = openai.AsyncOpenAI if self._loop else openai.OpenAI
        self.client = make(api_key="local", http_client=http)
        if self.scenario.api == "chat":
            return self.client.chat.completions.create  # type: ignore[no-any-return]
        return self.client.responses.create  # type: ignore[no-any-return]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.scenario.chunks:
            self.body = Events(self._events)
            return httpx2.Response(200, headers=_SSE, stream=self.body)
        # Every answer has an id of its own, as a provider's have: some remember calls by it.
        reply = self._reply.replace(b"local", b"%06d" % next(_ANSWERS), 1)
        return httpx2.Response(200, headers=_JSON, content=reply)

    def _parse_beforehand(self) -> None:
        """Let the SDK's streams give ready chunks."""
        request = {**self._request, **self._more}
        if self._loop is not None:

            async def all_of_it() -> list[Any]:
                return [chunk async for chunk in await self._create(**request)]

            chunks = self._loop.run_until_complete(all_of_it())
        else:
            chunks = list(self._create(**request))
        self.chunks = chunks
        module: Any = anthropic if self.scenario.api == "messages" else openai
        self.patched = module.AsyncStream if self._loop else module.Stream
        self._original = self.patched.__stream__

        def stream(self: Any) -> Iterator[Any]:
            yield from chunks
            self.response.close()

        async def astream(self: Any) -> AsyncIterator[Any]:
            for chunk in chunks:
                yield chunk
            await self.response.aclose()

        self.patched.__stream__ = astream if self._loop else stream

    def _next_request(self) -> dict[str, Any]:
        self.calls += 1
        if self.scenario.fresh:
            self._request = payloads.REQUESTS[self.scenario.api](True, self.calls)
        elif self.scenario.growing:
            self._request = payloads.grown(self._request, self.calls)
        return {**self._request, **self._more}

    def start(self) -> Any:
        """One synchronous call as the user makes it."""
        request = self._next_request()
        if self._floor is not None:
            return self._floor.call(self.scenario.api, self._create, request)
        return self._create(**request)

    def _run(self) -> None:
        result = self.start()
        if self.scenario.chunks:
            for _ in result:
                pass

    async def astart(self) -> Any:
        """One asynchronous call as the user makes it."""
        request = self._next_request()
        if self._floor is not None:
            return await self._floor.acall(self.scenario.api, self._create, request)
        return await self._create(**request)

    async def _arun(self) -> None:
        result = await self.astart()
        if self.scenario.chunks:
            async for _ in result:
                pass

    def _run_async(self) -> None:
        assert self._loop is not None
        self._loop.run_until_complete(self._arun())

    def first_chunk(self) -> None:
        """Up to the first chunk; the rest is read when the bench is closed."""
        if self._loop is not None:
            self._open.append(self._loop.run_until_complete(self._afirst()))
            return
        result = iter(self.start())
        next(result)
        self._open.append(result)

    async def _afirst(self) -> Any:
        result = aiter(await self.astart())
        await anext(result)
        return result

    def _wait_for_prices(self) -> None:
        run = runtime.current()
        if self.variant == "otelier" and run is not None and run.prices is not None:
            run.prices.warm()
            run.prices.wait(10)
        # In every variant: a conversation that grows is of the same length in all.
        self.run()

    def close(self) -> None:
        """Undo everything; complain if otelier failed inside."""
        for stream in self._open:
            if self._loop is not None:
                self._loop.run_until_complete(_exhaust(stream))
            else:
                for _ in stream:
                    pass
        if self.scenario.lite:
            self.patched.__stream__ = self._original
        if self._undo is not None:
            self._undo()
        if self.variant == "otelier":
            otelier.uninstrument()
            if guard.failures():
                raise RuntimeError(f"otelier failed: {guard.failures()}")
        if self.meter_provider is not None:
            self.meter_provider.shutdown()
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self.client.close())
            self._loop.close()
        else:
            self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


async def _exhaust(stream: Any) -> None:
    async for _ in stream:
        pass


SMALL: Final = [Scenario(api) for api in payloads.REQUESTS]
LARGE: Final = [replace(one, large=True) for one in SMALL]
FRESH: Final = [replace(one, fresh=True) for one in LARGE]
GROWING: Final = [replace(one, growing=True) for one in LARGE]
UNSAMPLED: Final = [replace(one, sampling="unsampled") for one in (*SMALL[:1], *LARGE[:1])]
NOTHING: Final = [replace(one, sampling="none") for one in (*SMALL[:1], *LARGE[:1])]
TOOLS: Final = Scenario("chat", chunks=500, kind="tools", lite=True)


def streams(chunks: int = 1000, lite: bool = True) -> list[Scenario]:
    """Streams of each dialect, synchronous and asynchronous, content on and off."""
    return [
        Scenario(api, chunks=chunks, asynchronous=way, content=content, lite=lite)
        for api in payloads.REQUESTS
        for way in (False, True)
        for content in (True, False)
    ]
