"""``ollama``: all calls pass ``Client._request(cls, method, path, json=, stream=)``.

The module's functions are bound methods of a client that is made at import: the class is what must
be patched. Streams are generators that send their request with their first item.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from otelier.call import Call, begin
from otelier.hooks import calling, generators
from otelier.hooks.patching import Patches
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
    return None if call is None else (call, route)


def _wrappers() -> tuple[calling.Wrapper, calling.Wrapper]:
    whole, awhole = calling.around(_open, calling.whole)

    def stream(inner: Any, client: Any, args: Any, kwargs: Any) -> Any:
        def opened() -> Call | None:
            found = _open(client, args, kwargs)
            return None if found is None else found[0]

        return generators.lazily(inner, opened)

    def request(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
        if not kwargs.get("stream"):
            return whole(wrapped, client, args, kwargs)
        return stream(wrapped(*args, **kwargs), client, args, kwargs)

    async def arequest(
        wrapped: Callable[..., Awaitable[Any]], client: Any, args: Any, kwargs: Any
    ) -> Any:
        if not kwargs.get("stream"):
            return await awhole(wrapped, client, args, kwargs)
        return stream(await wrapped(*args, **kwargs), client, args, kwargs)

    return request, arequest
