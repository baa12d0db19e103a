"""``google.genai``: calls pass ``BaseApiClient.{,async_}request{,_streamed}``, retries beneath.

They take ``(http_method, path, request_dict, http_options)`` with wire JSON, and give wire JSON
back: as text in ``SdkHttpResponse.body``, before 1.11 as a dict. ``request_streamed`` is a
generator function, ``async_request_streamed`` gives an asynchronous generator; the SDK alone
iterates them. Each hop of automatic function calling is a call of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import wire
from otelier.call import Call, begin
from otelier.hooks import calling, generators, raw, streams
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.protocols.gemini.predict import find

_METHODS: Final = ("request", "async_request", "request_streamed", "async_request_streamed")
# Vectors beyond this are not parsed for the few numbers at their end.
_LARGE: Final = 64 * 1024
_MOST: Final = 16 * 1024 * 1024


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the client; what was patched. Raises LookupError."""
    client = getattr(module, "BaseApiClient", None) or getattr(module, "ApiClient", None)
    if client is None:
        raise LookupError(f"{module.__name__}.BaseApiClient")
    whole, awhole = calling.around(_open, _receive)
    _, astream = calling.around(_open, _streamed)
    for name, wrapper in zip(_METHODS, (whole, awhole, _stream, astream), strict=True):
        if name not in client.__dict__:
            raise LookupError(f"{module.__name__}.{client.__name__}.{name}")
        patches.wrap(client, name, wrapper)
    return f"{module.__name__}.{client.__name__}.{{,async_}}request{{,_streamed}}"


def _open(client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("google_genai")
    if run is None:
        return None
    body = calling.body_of(calling.argument(args, kwargs, 2, "request_dict"))
    found = find(str(calling.argument(args, kwargs, 1, "path")), body)
    if found is None:
        return None
    route, model = found
    options = wire.fields(calling.argument(args, kwargs, 3, "http_options"))
    url = options.get("base_url") or wire.fields(client._http_options).get("base_url")
    provider = "gcp.vertex_ai" if client.vertexai else "gcp.gemini"
    call = begin(route, body, calling.identify(run, url or "", provider), model=model)
    return None if call is None else (call, route)


def _receive(call: Call, route: Route, result: Any) -> Any:
    if call.observing:
        call.headers = getattr(result, "headers", None)
        call.whole(_data(result, route.large_body))
    call.end()
    return result


def _streamed(call: Call, route: Route, result: Any) -> Any:
    if not call.observing:
        call.end()
        return result
    return streams.items(result, call, _chunks(lambda: call))


def _stream(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
    begun: list[Call] = []

    def opened() -> Call | None:
        found = _open(client, args, kwargs)
        if found is None:
            return None
        begun.append(found[0])
        return found[0]

    return generators.lazily(wrapped(*args, **kwargs), opened, _chunks(lambda: begun[0]))


def _chunks(call_of: Callable[[], Call]) -> Callable[[Any], Any]:
    """Reads chunks; the first one's headers are the answer's."""

    def chunk(item: Any) -> Any:
        call = call_of()
        if call.headers is None:
            call.headers = getattr(item, "headers", None)
        if not call.observing:
            return None
        # The SDK turns its dict into a model in place, while ours waits for the end.
        return wire.loads(wire.dumps(item)) if type(item) is dict else _data(item, False)

    return chunk


def _data(result: Any, large: bool) -> Any:
    """A body as data; of a large one only the usage, where it stands at the end."""
    if type(result) is dict:
        return result
    body = getattr(result, "body", None)
    if type(body) is not str or len(body) > _MOST:
        return None
    if large and len(body) > _LARGE:
        usage = raw.tail(body[-_LARGE:].encode(), "usageMetadata")
        if usage is not None:
            return {"usageMetadata": usage}
    try:
        return wire.loads(body)
    except ValueError:
        return None
