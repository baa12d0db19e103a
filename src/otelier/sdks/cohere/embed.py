"""``cohere``: ``Client.embed`` of version 1 makes a request of each 96 texts, and is one call.

The requests are made in the threads of the client's executor, which have no context, or in tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime, wire
from otelier.call import Call, begin
from otelier.hooks import calling
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.protocols.cohere import chat as cohere
from otelier.sdks.cohere.client import PART, body_of, identify, wrap


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the clients; what was patched. Raises LookupError."""
    return wrap(module, ("Client", "AsyncClient"), {"embed": (_embed, _aembed)}, patches)


def _embed(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
    if runtime.current() is None:
        return wrapped(*args, **kwargs)
    one = _One()

    def parts(*args: Any, **kwargs: Any) -> Any:
        with one.parts() as context:
            return _lent(wrapped, client, context)(*args, **kwargs)

    embed, _ = calling.around(one.opened, calling.whole)
    return embed(parts, client, args, kwargs)


async def _aembed(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
    if runtime.current() is None:
        return await wrapped(*args, **kwargs)
    one = _One()

    async def parts(*args: Any, **kwargs: Any) -> Any:
        with one.parts():
            return await wrapped(*args, **kwargs)

    _, embed = calling.around(one.opened, calling.whole)
    return await embed(parts, client, args, kwargs)


class _One:
    """The call that the requests are parts of."""

    __slots__ = ("_call",)

    def __init__(self) -> None:
        self._call: Call | None = None

    def opened(self, client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        """Begin it."""
        run = calling.running("cohere")
        if run is None:
            return None
        identity = identify(run, client._client_wrapper.httpx_client, None)
        self._call = begin(cohere.EMBED, body_of(kwargs), identity)
        return None if self._call is None else (self._call, cohere.EMBED)

    @contextmanager
    def parts(self) -> Iterator[Context]:
        """In here no request is seen by itself; what a refused one says is the call's."""
        context = ctx.with_value(ctx.current(), PART, True)
        token = ctx.attach(context)
        try:
            yield context
        except Exception as error:
            self._refused(error)
            raise
        finally:
            ctx.detach(token)

    def _refused(self, error: Any) -> None:
        # As everywhere in this SDK, where exceptions are made above what is seen.
        try:
            status = getattr(error, "status_code", None)
            if self._call is not None and type(status) is int and status >= 400:
                self._call.status = status
                self._call.whole(wire.fields(getattr(error, "body", None)))
                self._call.end()
        except Exception:
            guard.failed("cohere.refused")


def _lent(wrapped: Any, client: Any, context: Context) -> Any:
    """The method, of a client whose threads work in ``context``; nothing of the user's changes."""
    executor = getattr(client, "__dict__", {}).get("_executor")
    if executor is None or type(wrapped) is not MethodType:
        return wrapped
    return MethodType(wrapped.__func__, _Client(client, _Executor(executor, context)))


class _Client:
    """A client, but for its executor."""

    __slots__ = ("_executor", "_otelier_client")

    def __init__(self, client: Any, executor: _Executor) -> None:
        self._otelier_client = client
        self._executor = executor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._otelier_client, name)


class _Executor:
    """An executor, but that what it runs has a context."""

    __slots__ = ("_context", "_inner")

    def __init__(self, inner: Any, context: Context) -> None:
        self._inner = inner
        self._context = context

    def map(self, work: Callable[..., Any], *iterables: Any, **options: Any) -> Any:
        """As the executor's own."""

        def carried(*args: Any) -> Any:
            token = ctx.attach(self._context)
            try:
                return work(*args)
            finally:
                ctx.detach(token)

        return self._inner.map(carried, *iterables, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
