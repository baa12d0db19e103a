"""``google.genai``'s interactions since 2.3x: ``_gaos``, made by the Speakeasy generator.

All calls pass ``{,Async}BaseSDK.do_request{,_async}(hook_ctx, request, …)``, retries inside, which
gives the HTTP response, of refusals, too: those become exceptions in
``response_helpers.raise_parse_error{,_async}``. Before, the Stainless generator made them
(:mod:`otelier.sdks.stainless.families`).
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from otelier import guard
from otelier.call import Call, begin
from otelier.hooks import calling, raw
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.protocols.gemini.interactions import find
from otelier.semconv import Attributes

# Calls that were refused, by their responses, until the SDK has made its exception.
_refused: weakref.WeakKeyDictionary[Any, Call] = weakref.WeakKeyDictionary()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the base of the resources, or the helpers; what was patched. Raises LookupError."""
    if hasattr(module, "raise_parse_error"):
        patches.wrap(module, "raise_parse_error", _raising)
        if hasattr(module, "raise_parse_error_async"):
            patches.wrap(module, "raise_parse_error_async", _araising)
        return f"{module.__name__}.raise_parse_error{{,_async}}"
    request, arequest = calling.around(_open, _receive)
    found = []
    for name, method, wrapper in (
        ("BaseSDK", "do_request", request),
        ("AsyncBaseSDK", "do_request_async", arequest),
        ("BaseSDK", "do_request_async", arequest),
    ):
        owner = getattr(module, name, None)
        if owner is not None and method in owner.__dict__:
            patches.wrap(owner, method, wrapper)
            found.append(f"{name}.{method}")
    if len(found) < 2:
        raise LookupError(f"{module.__name__}.BaseSDK.do_request")
    return f"{module.__name__}.{', '.join(found)}"


def _open(owner: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("google_genai")
    if run is None:
        return None
    asked = calling.argument(args, kwargs, 1, "request")
    url = asked.url
    body = calling.body_of(asked.__dict__.get("_content"))
    found = find(str(asked.method).lower(), url.path, body)
    if found is None:
        return None
    route, id = found
    port = f":{url.port}" if url.port else ""
    provider = "gcp.vertex_ai" if "/locations/" in url.path else None
    identity = calling.identify(
        run, f"{url.scheme}://{url.host}{port}", provider, fallback="gcp.gemini"
    )
    more: Attributes | None = None
    if id is not None:
        more = {route.id_attribute: id}
        body = dict(parse_qsl(url.query.decode()))
    call = begin(route, body, identity, attributes=more)
    return None if call is None else (call, route)


def _receive(call: Call, route: Route, result: Any) -> Any:
    if result.status_code >= 400:
        call.headers = result.headers
        _refused[result] = call
    else:
        raw.received(result, call, route.large_body)
    return result


def _failed(args: Any, kwargs: Any, error: BaseException) -> None:
    try:
        for value in (*args, *kwargs.values()):
            if hasattr(value, "status_code") and hasattr(value, "headers"):
                call = _refused.pop(value, None)
                if call is not None:
                    call.fail(error)
    except Exception:
        guard.failed("google_genai_interactions.failed")


def _raising(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    try:
        return wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(args, kwargs, error)
        raise


async def _araising(wrapped: Callable[..., Awaitable[Any]], _: Any, args: Any, kwargs: Any) -> Any:
    try:
        return await wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(args, kwargs, error)
        raise
