"""SDKs made by the Speakeasy generator: mistralai.

All their calls pass ``BaseSDK.do_request{,_async}(hook_ctx, request, …, stream=)``, retries inside:
``hook_ctx.operation_id`` names the operation, ``request`` is an HTTP request (httpx or httpx2,
duck-typed) with its body. What comes back is the HTTP response, of refusals, too, which the method
above makes an exception of. Of a stream, ``utils.eventstreaming.stream_events{,_async}`` then makes
a generator, which hands each event to a decoder as JSON text: there events are read as they were
sent, as the SDK's models fill in what a provider did not say.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from otelier import following, guard, wire
from otelier.call import Call, begin
from otelier.hooks import calling, generators, raw, streams
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.semconv import Attributes
from otelier.wire import Wire

# (operation id, path of the URL, body) -> the route and what the path says; None: no call of ours.
Find: TypeAlias = Callable[[str, str, Wire], "tuple[Route, Attributes | None] | None"]

_CALLS: Final = ("do_request", "do_request_async")
_STREAMS: Final = ("stream_events", "stream_events_async")

# Calls whose stream of events the SDK has yet to make, by their responses.
_held: weakref.WeakKeyDictionary[Any, _Waiting] = weakref.WeakKeyDictionary()


class _Waiting:
    """A call whose stream the SDK may yet refuse to make: then it ends with its response."""

    __slots__ = ("call", "made")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.made = False

    def __del__(self) -> None:
        if not self.made:
            self.call.abandoned()


def patch(module: Any, open_call: calling.Open, patches: Patches) -> str:
    """Patch ``basesdk`` or ``utils.eventstreaming``; what was patched. Raises LookupError."""
    if module.__name__.endswith(".eventstreaming"):
        return _patch_streams(module, patches)
    wrappers = calling.around(open_call, receive)
    found = []
    for name in ("BaseSDK", "AsyncBaseSDK"):
        owner = getattr(module, name, None)
        for method, wrapper in zip(_CALLS, wrappers, strict=True):
            if owner is not None and method in owner.__dict__:
                patches.wrap(owner, method, wrapper)
                found.append(method)
    if set(found) != set(_CALLS):
        raise LookupError(f"{module.__name__}.BaseSDK.do_request")
    return f"{module.__name__}.BaseSDK.do_request{{,_async}}"


def _patch_streams(module: Any, patches: Patches) -> str:
    # Without a class for streams, users get the generator itself.
    bare = not any(
        isinstance(value, type)
        and hasattr(value, "__next__")
        and value.__module__ == module.__name__
        for value in vars(module).values()
    )
    for name in _STREAMS:
        if name not in module.__dict__:
            raise LookupError(f"{module.__name__}.{name}")
        patches.wrap(module, name, _made(bare))
    return f"{module.__name__}.stream_events{{,_async}}"


def opener(library: str, find: Find, provider: str) -> calling.Open:
    """Begins the call that a request is; ``provider`` is the name for hosts that nobody knows."""

    def open_call(owner: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        run = calling.running(library)
        if run is None:
            return None
        context = calling.argument(args, kwargs, 0, "hook_ctx")
        request = calling.argument(args, kwargs, 1, "request")
        url = request.url
        body = _body(request)
        found = find(context.operation_id, url.path, body)
        if found is None:
            return None
        route, attributes = found
        address = f"{url.scheme}://{url.netloc.decode('ascii')}"
        identity = calling.identify(run, address, fallback=provider)
        call = begin(route, body, identity, attributes=attributes)
        return None if call is None else (call, route)

    return open_call


def _body(request: Any) -> Wire:
    content = request.__dict__.get("_content")
    if content is not None:
        form = "form-urlencoded" in str(request.headers.get("content-type", ""))
        return dict(parse_qsl(content.decode())) if form else calling.body_of(content)
    # A form of several parts: its fields, and never its files.
    parts = wire.items(getattr(request.stream, "fields", None))
    return {part.name: part.value for part in parts if hasattr(part, "value")}


def receive(call: Call, route: Route, response: Any) -> Any:
    """Receive the HTTP response, whose body was read unless it is a stream."""
    call.status = response.status_code
    kind = str(response.headers.get("content-type", "")).lower()
    if response.status_code == 200 and "event-stream" in kind:
        call.headers = response.headers
        if call.observing:
            _held[response] = _Waiting(call)
        else:
            call.end()
    else:
        raw.received(response, call, route.large_body)
    return response


def _made(bare: bool) -> calling.Wrapper:
    def make(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        found = _observed(args, kwargs)
        if found is None:
            return wrapped(*args, **kwargs)
        call, response, args, kwargs = found
        inner = wrapped(*args, **kwargs)
        try:
            if bare:
                return generators.eagerly(inner, call, streams.elsewhere)
            ours = streams.items(inner, call, streams.elsewhere)
            streams.follow(ours, inner, response, call)
            following.note(ours, call)
            return ours
        except Exception:
            guard.failed("speakeasy.stream")
            call.end()
            return inner

    return make


def _observed(args: Any, kwargs: Any) -> tuple[Call, Any, Any, Any] | None:
    """The call whose events these are, with the arguments for a decoder that looks on."""
    try:
        response = calling.argument(args, kwargs, 0, "response")
        decoder = calling.argument(args, kwargs, 1, "decoder")
        waiting = _held.pop(response, None)
        if waiting is None:
            return None
        waiting.made = True
        call = waiting.call
        looking = _looking(decoder, call)
        if len(args) > 1:
            return call, response, (args[0], looking, *args[2:]), kwargs
        return call, response, args, {**kwargs, "decoder": looking}
    except Exception:
        guard.failed("speakeasy.observed")
        return None


def _looking(decoder: Callable[[str], Any], call: Call) -> Callable[[str], Any]:
    def decode(event: str) -> Any:
        try:
            call.chunk(wire.fields(wire.loads(event)).get("data"))
        except Exception:
            guard.failed("speakeasy.event")
        return decoder(event)

    return decode
