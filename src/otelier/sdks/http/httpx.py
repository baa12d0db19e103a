"""Plain HTTP to a known endpoint, by ``httpx`` or ``httpx2``, and what the other clients share.

Opt-in (``OTELIER_HTTP``). A request that an SDK makes is the SDK hook's: below an open call nothing
is seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from otelier import context as ctx
from otelier import identity, runtime
from otelier.call import Call, begin
from otelier.hooks import calling, raw
from otelier.hooks.patching import Patches
from otelier.protocols import Route, endpoints
from otelier.sdks.http import forms as http_forms

_MAX_BODY = 8 * 1024 * 1024
_METHODS = ("post", "get")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch ``{Client,AsyncClient}.send``; what was patched. Raises LookupError."""
    for name, send in zip(
        ("Client", "AsyncClient"), calling.around(_open, _received, decides=False), strict=True
    ):
        client = getattr(module, name, None)
        if client is None or "send" not in client.__dict__:
            raise LookupError(f"{module.__name__}.{name}.send")
        patches.wrap(client, "send", send)
    return f"{module.__name__}.{{,Async}}Client.send"


def _open(client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    request = calling.argument(args, kwargs, 0, "request")
    url = request.url
    # A body that was not read yet is the user's to send: only a form's text fields are looked at.
    body = request.__dict__.get("_content")
    if body is None:
        body = http_forms.of_stream(getattr(request, "stream", None))
    return opened(request.method, str(url.scheme), str(url.host), url.port, str(url.path), body)


def _received(call: Call, route: Route, response: Any) -> Any:
    call.status = response.status_code
    raw.received(response, call, route.large_body)
    return response


def opened(
    method: str, scheme: str, host: str, port: int | None, path: str, body: Any
) -> tuple[Call, Route] | None:
    """Begin the call that a request is; None where it is none, or an SDK's."""
    run = runtime.current()
    if run is None:
        return None
    here = ctx.current()
    outer: Any = here.get(ctx.CALL)
    if here.get(ctx.SEEN) or (outer is not None and not outer.ended):
        return None
    chosen = run.settings.provider_hosts
    who = identity.identify(_url(scheme, host, port, path), None, chosen)
    method = method.lower()
    if method not in _METHODS:
        return None
    asked = _body(body)
    found = endpoints.find(who.provider, method, path, asked)
    if found is None:
        return None
    if not identity.listed(host, who.port, chosen) and not isinstance(asked.get("model"), str):
        return None  # Some other service with a path of the same name.
    call = begin(found.route, found.body, who, model=found.model, attributes=found.attributes)
    return None if call is None else (call, found.route)


def opened_url(method: str, url: str, body: Any) -> tuple[Call, Route] | None:
    """The same for a URL as text."""
    parts = urlsplit(url)
    return opened(method, parts.scheme, parts.hostname or "", parts.port, parts.path, body)


def _url(scheme: str, host: str, port: int | None, path: str) -> str:
    named = f"[{host}]" if ":" in host else host
    return f"{scheme}://{named}:{port}{path}" if port else f"{scheme}://{named}{path}"


def _body(body: Any) -> Mapping[str, Any]:
    if http_forms.is_form(body):
        return http_forms.of_bytes(body)
    if isinstance(body, str | bytes | bytearray) and len(body) > _MAX_BODY:
        return {}
    return calling.body_of(body)
