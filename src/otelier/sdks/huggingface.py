"""``huggingface_hub``: all tasks pass ``InferenceClient._inner_post(request_parameters, stream=)``.

It gives the body's bytes, or an iterator of its lines, which a generator of the SDK's reads that
users get. The HTTP response leaves it nowhere: it is seen on its way to ``hf_raise_for_status``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import context as ctx
from otelier import guard, semconv, wire
from otelier.call import Call, begin
from otelier.hooks import calling, raw, streams
from otelier.hooks.patching import Patches
from otelier.identity import Identity
from otelier.protocols import Route, huggingface

_CLIENTS = ("InferenceClient", "AsyncInferenceClient")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of one of the clients; what was patched. Raises LookupError."""
    send, receive, usage = None, _receive, calling.stream_usage()
    if usage is not None:
        send, receive = usage.asking(usage.of_parameters, _receive, usage.keep_lines)
    for name, post in zip(_CLIENTS, calling.around(_open, receive, send=send), strict=True):
        client = module.__dict__.get(name)
        if client is not None and "_inner_post" in client.__dict__:
            patches.wrap(client, "_inner_post", post)
            if "hf_raise_for_status" in module.__dict__:
                patches.wrap(module, "hf_raise_for_status", _answered)
            return f"{module.__name__}.{name}._inner_post"
    raise LookupError(f"{module.__name__}.*._inner_post")


def _open(client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("huggingface_hub")
    if run is None:
        return None
    asked = calling.argument(args, kwargs, 0, "request_parameters")
    # Files are sent as ``data``, which is not looked at.
    body = calling.body_of(asked.json)
    route = huggingface.find(asked.task, body)
    if route is None:
        return None
    # Of an endpoint, whose model nobody named, this is the address.
    model = None if "://" in (asked.model or "") else asked.model
    through = huggingface.upstream(asked.url)
    call = begin(
        route,
        body,
        calling.identify(run, asked.url),
        model=model,
        attributes={semconv.PROVIDER_UPSTREAM: through} if through else None,
    )
    return None if call is None else (call, route)


def _answered(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    """Look at the response's headers while the call is entered."""
    try:
        call: Any = ctx.current().get(ctx.CALL)
        if call is not None and call.headers is None and not (call.covers or call.ended):
            call.headers = calling.argument(args, kwargs, 0, "response").headers
            who = call.identity
            through = huggingface.routed(who.url, call.headers.get("x-inference-provider"))
            if through is not None:
                call.answered_by(Identity(who.provider, who.address, who.port, through))
    except Exception:
        guard.failed("huggingface.answered")
    return wrapped(*args, **kwargs)


def _receive(call: Call, route: Route, result: Any) -> Any:
    if not call.observing:
        call.end()
        return result
    if not isinstance(result, bytes):
        return streams.items(result, call, _lines(call))
    # Images and sounds come as they are.
    if result[:64].lstrip()[:1] in (b"{", b"["):
        raw.whole(call, result, route.large_body, True)
    counts = huggingface.counts(route, call.headers) if call.headers is not None else None
    if counts is not None:
        call.whole(counts)
    call.end()
    return result


def _lines(call: Call) -> Callable[[Any], Any]:
    """Reads lines of server-sent events, text or bytes, as the SDK does: each is one event."""

    def event(line: Any) -> Any:
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
        if not text.startswith("data:"):
            return None
        data = text[5:].strip()
        if data == "[DONE]":
            # The SDK reads no further.
            call.end()
            return None
        try:
            found = wire.loads(data)
        except ValueError:
            return None
        if wire.fields(found).get("error") is not None:
            # The SDK raises this to the user, and reads no further.
            call.chunk(found)
            call.end()
            return None
        return found

    return event
