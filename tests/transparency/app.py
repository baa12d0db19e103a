"""The application that scenarios play: the same code for synchronous and asynchronous clients."""

from __future__ import annotations

import asyncio
import importlib
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace

from tests.servers import Chunked, Gate, ProviderServer, Reply, Sse
from tests.telemetry import Telemetry
from tests.transparency.describe import describe, describe_error

END: Final = object()
WAIT = 10.0
_MANY = 100
ASK: Final[Any] = [{"role": "user", "content": "Hi"}]

# Client classes, and what they need beside the local server: its URL and what replaces a cloud.
_CLOUD = {"api_key": "k"}
CLIENTS: Final[dict[str, tuple[str, str, Callable[[str], dict[str, Any]]]]] = {
    "openai": ("openai", "OpenAI", lambda url: {"base_url": f"{url}/v1", **_CLOUD}),
    "azure": (
        "openai",
        "AzureOpenAI",
        lambda url: {"azure_endpoint": url, "api_version": "2024-10-21", **_CLOUD},
    ),
    "anthropic": ("anthropic", "Anthropic", lambda url: {"base_url": url, **_CLOUD}),
    "vertex": (
        "anthropic",
        "AnthropicVertex",
        lambda url: {
            "base_url": f"{url}/v1",
            "region": "us-east5",
            "project_id": "p",
            "access_token": "t",
        },
    ),
    "foundry": (
        "anthropic",
        "AnthropicFoundry",
        lambda url: {"base_url": f"{url}/anthropic", **_CLOUD},
    ),
    "bedrock": (
        "anthropic",
        "AnthropicBedrock",
        lambda url: {"base_url": url, "aws_region": "us-east-1", **_CLOUD},
    ),
}


# Clients of other SDKs, made by a function of their provider's module.
MAKERS: Final[dict[str, Callable[[App], Any]]] = {}


def transport(sdk: Any) -> Any:
    """The HTTP library that a version of an SDK is built on: httpx or httpx2."""
    base = importlib.import_module(f"{sdk.__name__}._base_client")
    return getattr(base, "httpx2", None) or base.httpx


def resolve(owner: Any, path: str) -> Any:
    """A member by its dotted path; skips where this version of the SDK has no such thing."""
    for name in path.split("."):
        try:
            owner = getattr(owner, name)
        except AttributeError:
            pytest.skip(f"this version has no {path}")
    return owner


class App:
    """One run of a scenario: the clients it makes and the log of all that it sees."""

    def __init__(self, server: ProviderServer, telemetry: Telemetry, asynchronous: bool) -> None:
        self.server = server
        self.telemetry = telemetry
        self.asynchronous = asynchronous
        self.log: list[Any] = []
        self.refs: list[weakref.ref[Any]] = []
        # How many times the server sees the client leave early; None where that is a race.
        self.aborts: int | None = None
        self.caller: Any = None
        self._outside: Any = None
        self._home = threading.get_ident()
        self._clients: list[Any] = []
        self._closing: list[Any] = []
        self._gates: list[Gate] = []

    # --- clients and servers -----------------------------------------------------------------

    def client(self, kind: str = "openai", **options: Any) -> Any:
        """A client of this kind for the local server, without retries unless asked for."""
        if kind in MAKERS:
            client = MAKERS[kind](self)
            self._clients.append(client)
            return client
        module, name, defaults = CLIENTS[kind]
        sdk = pytest.importorskip(module)
        made = resolve(sdk, f"Async{name}" if self.asynchronous else name)
        given = {"max_retries": 0, **defaults(self.server.url), **options}
        if "http_client" not in given:
            given["http_client"] = self.http_client(sdk)
        try:
            client = made(**given)
        except (TypeError, ImportError) as problem:
            pytest.skip(f"this version cannot make {name}: {problem}")
        self._clients.append(client)
        return client

    def http_client(self, sdk: Any, **options: Any) -> Any:
        """An HTTP client that does not load certificates, which takes 20 ms."""
        prefix = "Async" if self.asynchronous else ""
        default = getattr(sdk, f"Default{prefix}HttpxClient", None)
        made = (default or getattr(transport(sdk), f"{prefix}Client"))(verify=False, **options)
        self._closing.append(made)
        return made

    def closing(self, thing: Any) -> Any:
        """Close ``thing`` at the end, after the clients; ``thing``."""
        self._closing.append(thing)
        return thing

    def gate(self, hold_after: int = 1) -> Gate:
        """From now on streams stop after so many events."""
        gate = Gate(hold_after)
        self._gates.append(gate)
        self.server.route("", lambda request: self._held(self.server.defaults.answer(request)))
        return gate

    def script(self, *replies: Reply) -> None:
        """Answer the next requests with these."""
        self.server.script(*map(self._held, replies))

    def _held(self, reply: Reply) -> Reply:
        if self._gates and isinstance(reply, Sse | Chunked):
            reply.gate = self._gates[-1]
        return reply

    async def reached(self, gate: Gate) -> None:
        """Wait until the server stands at ``gate``."""
        if self.asynchronous:
            assert await asyncio.to_thread(gate.reached.wait, WAIT)
        else:
            assert gate.reached.wait(WAIT)

    # --- the same code for both flavours -----------------------------------------------------

    async def got(self, value: Any) -> Any:
        """The result of a call."""
        return await value if hasattr(value, "__await__") else value

    def iterate(self, stream: Any) -> Any:
        """What ``for`` or ``async for`` begins with."""
        return stream.__aiter__() if hasattr(stream, "__aiter__") else iter(stream)

    async def next(self, iterator: Any) -> Any:
        """The next item, or END; the caller's context is as the caller left it."""
        self.check()
        try:
            if hasattr(iterator, "__anext__"):
                return await iterator.__anext__()
            return next(iterator)
        except (StopIteration, StopAsyncIteration):
            return END
        finally:
            self.check()

    async def enter(self, manager: Any) -> Any:
        if hasattr(manager, "__aenter__"):
            return await manager.__aenter__()
        return manager.__enter__()

    async def leave(self, manager: Any, error: BaseException | None = None) -> None:
        """The end of a ``with``; ``error`` is what its body raised."""
        given = (type(error), error, None) if error is not None else (None, None, None)
        if hasattr(manager, "__aexit__"):
            await manager.__aexit__(*given)
        else:
            manager.__exit__(*given)

    async def close(self, stream: Any) -> None:
        await self.got(stream.close() if hasattr(stream, "close") else stream.aclose())

    async def drain(self, stream: Any, most: int = 1 << 30) -> int:
        """Note all items of a stream (or ``most``) as ``for`` gives them; of very many, some."""
        iterator = self.iterate(stream)
        count = 0
        while count < most:
            item = await self.next(iterator)
            if item is END:
                self.log.append("end")
                break
            count += 1
            if count < _MANY or count % _MANY == 0:
                self.note(item)
        return count

    async def attempt(self, work: Awaitable[Any]) -> Any:
        """What ``work`` gives, or the exception that it raised; either is noted."""
        try:
            result = await work
        except (pytest.skip.Exception, AssertionError):
            raise
        except BaseException as error:
            self.log.append(("raised", describe_error(error)))
            self.check()
            return error
        self.check()
        return result

    # --- what is seen ------------------------------------------------------------------------

    def note(self, *values: Any) -> None:
        """Put values on the log."""
        self.log.extend(describe(value) for value in values)

    def track(self, value: Any) -> Any:
        """Watch whether ``value`` is let go of; the value."""
        try:
            self.refs.append(weakref.ref(value))
        except TypeError:
            pass
        return value

    def note_alive(self) -> None:
        """Note which tracked values are alive now, without a garbage collection."""
        self.log.append(("alive", [ref() is not None for ref in self.refs]))

    def note_connections(self) -> None:
        """Note the state of each connection of the clients' pools."""
        states = []
        for client in self._clients:
            http = getattr(client, "_client", None)
            pool = getattr(getattr(http, "_transport", None), "_pool", None)
            states.append([each.info() for each in getattr(pool, "connections", ())])
        self.log.append(("connections", states))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run with the caller's span current."""
        with self.telemetry.tracer.start_as_current_span("caller") as self.caller:
            self._outside = otel_context.get_current()
            yield
            self.check()

    def check(self) -> None:
        """What is current is the caller's; in other threads, nothing."""
        if threading.get_ident() != self._home:
            assert trace.get_current_span() is trace.INVALID_SPAN
        elif self.caller is not None:
            assert trace.get_current_span() is self.caller
            assert otel_context.get_current() is self._outside

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """A span of the application's own, in which the checks go on."""
        before = self.caller, self._outside
        with self.telemetry.tracer.start_as_current_span(name) as self.caller:
            self._outside = otel_context.get_current()
            try:
                yield
            finally:
                self.caller, self._outside = before

    # --- the end -----------------------------------------------------------------------------

    async def finish(self) -> None:
        """Note what is left, and close the clients."""
        for gate in self._gates:
            if not self.aborts:
                gate.open()
        self.note_connections()
        for client in [*self._clients, *self._closing]:
            close = getattr(client, "close", None) or getattr(client, "aclose", None)
            if close is not None:
                await self.got(close())
        if self.asynchronous:
            for _ in range(10):
                await asyncio.sleep(0)
        self._clients.clear()
        self._closing.clear()


def drive(work: Any) -> Any:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a synchronous scenario waited")
