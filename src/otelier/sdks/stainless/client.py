"""SDKs made by the Stainless generator: openai, anthropic, groq, together, cerebras, …

All their calls pass ``_base_client.{Sync,Async}APIClient.request`` with the request as wire JSON,
retries inside; since anthropic 1.14 that is true of ``_request``. Results pass
``_process_response``, where the response's headers are.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, identity, runtime, wire
from otelier.call import Call, begin
from otelier.hooks import calling, managers, raw, streams
from otelier.hooks.patching import Patches
from otelier.protocols import Route, Routes
from otelier.protocols.table import Table

_CLIENTS: Final = ("SyncAPIClient", "AsyncAPIClient")
_EMPTY: Final[dict[str, Any]] = {}


@dataclass(frozen=True)
class Dialect:
    """What differs between these SDKs."""

    library: str
    routes: Routes
    # The provider for hosts that nobody knows; None names those by host.
    provider: str | None = None
    # The provider that is assumed for hosts that nobody can know (loopback, private networks).
    assumed: str | None = None
    # Client classes that say who answers, by class name anywhere among a client's bases.
    clients: tuple[tuple[str, str], ...] = ()
    table: Table = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", Table(self.routes))


# By id, for a client need not have a hash of its own: the client, what it depends on, and who.
_known: dict[int, tuple[weakref.ref[Any], Any, Any, identity.Identity]] = {}


def identify(dialect: Dialect, client: Any, run: runtime.Runtime) -> identity.Identity:
    """Who answers a client's calls; remembered while its base URL object stays the same."""
    url = client.__dict__.get("_base_url")
    if url is None:
        url = client.base_url
    # What it depends on; the runtime itself would be held by each client that it has seen.
    named = run.settings.provider_hosts
    key = id(client)
    held = _known.get(key)
    if held is not None and held[1] is url and held[2] is named and held[0]() is client:
        return held[3]
    provider = by_class(dialect, client)
    found = calling.identify(run, url, provider, fallback=dialect.provider, assumed=dialect.assumed)
    _known[key] = (weakref.ref(client, lambda _: _known.pop(key, None)), url, named, found)
    return found


def by_class(dialect: Dialect, client: Any) -> str | None:
    """The provider where the client's class says it."""
    names = [base.__name__ for base in type(client).__mro__]
    for name, provider in dialect.clients:
        if name in names:
            return provider
    return None


def opener(dialect: Dialect) -> calling.Open:
    """Begins the call that a request is; None where it is none of ours."""

    def open_call(client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        run = calling.running(dialect.library)
        if run is None:
            return None
        # By what is stored: members of models cost ten times as much.
        options = wire.fields(args[1] if len(args) > 1 else kwargs["options"])
        found = dialect.table.find(str(options["method"]).lower(), str(options["url"]))
        if found is None:
            return None
        route, path_id = found
        body = options.get("json_data")
        if type(body) is not dict:
            body = _EMPTY
        extra = options.get("extra_json")
        if extra is not None:
            body = {**body, **wire.fields(extra)}
        more: dict[str, Any] | None = None
        if path_id is not None:
            more = {route.id_attribute: path_id}
            params = options.get("params")
            if not body and type(params) is dict:
                body = dict(params)
        call = begin(route, body, identify(dialect, client, run), attributes=more)
        return None if call is None else (call, route)

    return open_call


def receive(call: Call, route: Route, result: Any) -> Any:
    """Observe what the SDK returned; it goes to the user as it is."""
    if not call.observing:
        call.end()
        return result
    kind = type(result)
    if wire.model(result):
        call.whole(result)
        call.end()
        return result
    # Events of server-sent events, or lines of JSON.
    if hasattr(kind, "__stream__") or hasattr(kind, "__decode__"):
        streams.observe(result, call, raw.by_other(call))
        return result
    response = getattr(result, "http_response", None)
    if response is None and hasattr(kind, "iter_bytes") and hasattr(kind, "is_stream_consumed"):
        response = result
    if response is not None:
        raw.received(response, call, route.large_body)
        return result
    typed = hasattr(kind, "model_fields") or hasattr(kind, "__fields__")
    if typed or isinstance(result, str | dict | list):
        call.whole(result)
    call.end()
    return result


def process_response(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
    """Note the response's headers for the call that is current."""
    try:
        call = ctx.current().get(ctx.CALL)
        if call is not None and call.observing:  # type: ignore[attr-defined]
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
    send, received, usage = None, receive, calling.stream_usage()
    if usage is not None:
        send, received = usage.asking(usage.of_options, receive, usage.keep)
    wrappers = calling.around(opener(dialect), received, send=send)
    for name, wrapper in zip(_CLIENTS, wrappers, strict=True):
        client = getattr(module, name, None)
        if client is None or seam not in client.__dict__:
            raise LookupError(f"{module.__name__}.{name}.{seam}")
        patches.wrap(client, seam, wrapper)
        if "_process_response" in client.__dict__:
            patches.wrap(client, "_process_response", process_response)
    managers.know(module.__name__)
    base = getattr(module, "BaseClient", None)
    if base is not None and "_process_response" in base.__dict__:
        patches.wrap(base, "_process_response", process_response)
    return f"{module.__name__}.{{Sync,Async}}APIClient.{seam}"
