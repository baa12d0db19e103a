"""``ollama``: all calls pass ``Client._request(cls, method, path, json=, stream=)``.

The module's functions are bound methods of a client that is made at import: the class is what must
be patched. Streams are generators that send their request with their first item.

``cls`` makes each object of an answer, ``cls(**json)``. The SDK's own types leave out
members that they do not know (ids of tool calls), so what is read is the JSON that it is given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from otelier.call import Call, begin
from otelier.hooks import calling, generators
from otelier.hooks.patching import Patches
from otelier.hooks.streams import elsewhere
from otelier.protocols import Route
from otelier.protocols.ollama import ROUTES

_CLIENTS = ("Client", "AsyncClient")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the clients; what was patched. Raises LookupError."""
    for name, request in zip(_CLIENTS, _wrappers(), strict=True):
        client = getattr(module, name, None)
        if client is None or "_request" not in client.__dict__:
            raise LookupError(f"{module.__name__}.{name}._request")
        patches.wrap(client, "_request", request)
    return f"{module.__name__}.{{,Async}}Client._request"


class _Made:
    """Stands in for the type of an answer, and shows the call what it is made of."""

    __slots__ = ("_type", "call", "streamed")

    def __init__(self, type_: Any, streamed: bool) -> None:
        self._type = type_
        self.call: Call | None = None
        self.streamed = streamed

    def __call__(self, *args: Any, **members: Any) -> Any:
        call = self.call
        if call is not None:
            (call.chunk if self.streamed else call.whole)(members)
        return self._type(*args, **members)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._type, name)


def _open(client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("ollama")
    if run is None:
        return None
    found = ROUTES.find(str(args[1]).lower(), str(args[2]))
    if found is None:
        return None
    route, _ = found
    identity = calling.identify(run, client._client.base_url, fallback="ollama")
    call = begin(route, calling.body_of(kwargs.get("json")), identity)
    if call is None:
        return None
    args[0].call = call
    return call, route


def _ended(call: Call, route: Route, result: Any) -> Any:
    call.end()
    return result


def _watched(args: Any, streamed: bool) -> Any:
    """The arguments with what looks on in the type's place; as they are where it is not there."""
    return (_Made(args[0], streamed), *args[1:]) if len(args) > 2 else args


def _wrappers() -> tuple[calling.Wrapper, calling.Wrapper]:
    whole, awhole = calling.around(_open, _ended)

    def stream(inner: Any, client: Any, args: Any, kwargs: Any) -> Any:
        def opened() -> Call | None:
            found = _open(client, args, kwargs)
            return None if found is None else found[0]

        return generators.lazily(inner, opened, elsewhere)

    def request(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
        streamed = bool(kwargs.get("stream"))
        args = _watched(args, streamed)
        if not streamed:
            return whole(wrapped, client, args, kwargs)
        return stream(wrapped(*args, **kwargs), client, args, kwargs)

    async def arequest(
        wrapped: Callable[..., Awaitable[Any]], client: Any, args: Any, kwargs: Any
    ) -> Any:
        streamed = bool(kwargs.get("stream"))
        args = _watched(args, streamed)
        if not streamed:
            return await awhole(wrapped, client, args, kwargs)
        return stream(await wrapped(*args, **kwargs), client, args, kwargs)

    return request, arequest
