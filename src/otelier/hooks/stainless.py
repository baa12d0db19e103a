"""SDKs made by the Stainless generator: openai, anthropic, groq, together, cerebras, …

All their calls pass ``_base_client.{Sync,Async}APIClient.request`` with the request as wire JSON,
retries inside; since anthropic 1.14 that is true of ``_request``. Results pass
``_process_response``, where the response's headers are.
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, identity, runtime
from otelier.call import Call, begin
from otelier.hooks import foreign, raw, streams
from otelier.hooks.patching import Patches
from otelier.protocols import Route, Routes
from otelier.protocols.routes import Table

_CLIENTS: Final = ("SyncAPIClient", "AsyncAPIClient")
_EMPTY: Final[dict[str, Any]] = {}


@dataclass(frozen=True)
class Dialect:
    """What differs between these SDKs."""

    library: str
    routes: Routes
    # The provider for hosts that nobody knows; None names those by host.
    provider: str | None = None
    # Client classes that say who answers, by class name anywhere among a client's bases.
    clients: tuple[tuple[str, str], ...] = ()
    table: Table = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", Table(self.routes))


_known: weakref.WeakKeyDictionary[Any, tuple[Any, Any, identity.Identity]] = (
    weakref.WeakKeyDictionary()
)


def identify(dialect: Dialect, client: Any, run: runtime.Runtime) -> identity.Identity:
    """Who answers a client's calls; remembered while its base URL object stays the same."""
    url = client.__dict__.get("_base_url")
    if url is None:
        url = client.base_url
    held = _known.get(client)
    if held is not None and held[0] is url and held[1] is run:
        return held[2]
    provider = by_class(dialect, client)
    found = identity.identify(url, provider, run.settings.provider_hosts)
    if provider is None and dialect.provider is not None and not listed(found.address or ""):
        hosts = {**run.settings.provider_hosts}
        found = identity.identify(url, dialect.provider, hosts)
    _known[client] = (url, run, found)
    return found


def listed(host: str) -> bool:
    """Whether the table of hosts knows this one."""
    return any(host == suffix or host.endswith("." + suffix) for suffix, _ in identity.HOSTS)


def by_class(dialect: Dialect, client: Any) -> str | None:
    """The provider where the client's class says it."""
    names = [base.__name__ for base in type(client).__mro__]
    for name, provider in dialect.clients:
        if name in names:
            return provider
    return None


def open_call(dialect: Dialect, client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    """Begin the call that a request is, or None where it is none of ours."""
    try:
        run = runtime.current()
        if run is None or foreign.stands_in(dialect.library, run):
            return None
        options = args[1] if len(args) > 1 else kwargs["options"]
        found = dialect.table.find(str(options.method).lower(), str(options.url))
        if found is None:
            return None
        route, path_id = found
        body = options.json_data
        if type(body) is not dict:
            body = _EMPTY
        extra = getattr(options, "extra_json", None)
        if extra:
            body = {**body, **extra}
        more: dict[str, Any] | None = None
        if path_id is not None:
            more = {route.id_attribute: path_id}
            params = getattr(options, "params", None)
            body = dict(params) if type(params) is dict else _EMPTY
        call = begin(route, body, identify(dialect, client, run), attributes=more)
        return None if call is None else (call, route)
    except Exception:
        guard.failed("stainless.open_call")
        return None


def receive(call: Call, route: Route, result: Any) -> None:
    """Observe what the SDK returned; it goes to the user as it is."""
    try:
        kind = type(result)
        # Events of server-sent events, or lines of JSON.
        if hasattr(kind, "__stream__") or hasattr(kind, "__decode__"):
            if call.observing:
                streams.observe(result, call, raw.by_other(call))
            else:
                call.end()
            return
        response = getattr(result, "http_response", None)
        if response is None and hasattr(kind, "iter_bytes") and hasattr(kind, "is_stream_consumed"):
            response = result
        if response is not None:
            raw.received(response, call, route.large_body)
            return
        if isinstance(result, str) or hasattr(kind, "model_fields") or hasattr(kind, "__fields__"):
            call.whole(result)
        elif isinstance(result, dict | list):
            call.whole(result)
        call.end()
    except Exception:
        guard.failed("stainless.receive")
        call.end()


Wrapper = Callable[[Any, Any, Any, Any], Any]


def wrappers(dialect: Dialect) -> tuple[Wrapper, Wrapper]:
    """The synchronous and the asynchronous wrapper of ``request``."""

    def request(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
        opened = open_call(dialect, client, args, kwargs)
        if opened is None:
            return wrapped(*args, **kwargs)
        call, route = opened
        token = call.enter()
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            call.leave(token)
            call.fail(error)
            raise
        call.leave(token)
        receive(call, route, result)
        return result

    async def arequest(
        wrapped: Callable[..., Awaitable[Any]], client: Any, args: Any, kwargs: Any
    ) -> Any:
        opened = open_call(dialect, client, args, kwargs)
        if opened is None:
            return await wrapped(*args, **kwargs)
        call, route = opened
        token = call.enter()
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            call.leave(token)
            call.fail(error)
            raise
        call.leave(token)
        receive(call, route, result)
        return result

    return request, arequest


def process_response(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
    """Note the response's headers for the call that is current."""
    try:
        call = ctx.current().get(ctx.CALL)
        if call is not None:
            response = kwargs.get("response")
            if response is not None:
                call.headers = response.headers  # type: ignore[attr-defined]
    except Exception:
        guard.failed("stainless.process_response")
    return wrapped(*args, **kwargs)


def patch(module: Any, dialect: Dialect, patches: Patches) -> str:
    """Patch an SDK's ``_base_client``; what was patched, for doctor. Raises LookupError."""
    first = getattr(module, _CLIENTS[0], None)
    # anthropic 1.13 prepares requests, and does not yet split them.
    split = hasattr(first, "_copy_and_prepare") and hasattr(first, "_request")
    seam = "_request" if split else "request"
    for name, wrapper in zip(_CLIENTS, wrappers(dialect), strict=True):
        client = getattr(module, name, None)
        if client is None or seam not in client.__dict__:
            raise LookupError(f"{module.__name__}.{name}.{seam}")
        patches.wrap(client, seam, wrapper)
        if "_process_response" in client.__dict__:
            patches.wrap(client, "_process_response", process_response)
    base = getattr(module, "BaseClient", None)
    if base is not None and "_process_response" in base.__dict__:
        patches.wrap(base, "_process_response", process_response)
    return f"{module.__name__}.{{Sync,Async}}APIClient.{seam}"
