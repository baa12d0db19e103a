"""``mistralai``'s own spans, where the user chose them: ours enriches them, there is one per call.

Since 2.4 they are made if ``MISTRAL_SDK_TELEMETRY``, ``Mistral(telemetry=…)`` or
``configure_telemetry()`` says so: with ``global`` (or a provider of the user's) among the program's
other spans, with ``dedicated`` for Mistral's own pages (or a provider for another backend), which
takes nothing away from ours: neither is the other's parent.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider, set_span_in_context

from otelier import apart, guard, runtime, semconv, settings
from otelier import context as ctx
from otelier.call import Call
from otelier.hooks import responses, speakeasy
from otelier.hooks.patching import Patches
from otelier.protocols import Route
from otelier.protocols.mistral.chat import OPERATIONS, find

_SPAN = "_tracing_span"
_begin = speakeasy.opener("mistralai", find, "mistral_ai")
# Calls whose requests have left, by their requests.
_open: weakref.WeakKeyDictionary[Any, tuple[Call, Route]] = weakref.WeakKeyDictionary()


def chosen(config: Any) -> bool:
    """Whether the user asked for Mistral's own spans in this program's trace."""
    hooks = getattr(config.__dict__.get("_hooks"), "before_request_hooks", ())
    hook = next((each for each in hooks if hasattr(each, "_telemetry_use_global_provider")), None)
    if hook is None:
        return False
    if hook.tracer_provider is not None:
        return hook._auto_telemetry_provider is None and apart.shared(hook.tracer_provider)
    if not hook._telemetry_use_global_provider:
        # Not asked yet: the first request decides so.
        asked = getattr(config, "telemetry", None)
        if asked is None:
            asked = settings.native_mistral()
        if hook._telemetry_auto_disabled or not isinstance(asked, str):
            return False
        if asked.strip().lower() != "global":
            return False
    provider = get_tracer_provider()
    return not isinstance(provider, ProxyTracerProvider) and apart.shared(provider)


def native(module: Any, patches: Patches) -> str | None:
    """``mistralai`` 1.10 and later: no spans of its own for calls that otelier takes.

    Up to 2.3 they are on in every program with a tracer provider, and there is no switch. Since
    2.4 they are off unless the user asks for them: then they stay, and ours enriches them.
    """
    tracing = sys.modules.get(module.__name__.removesuffix("basesdk") + "_hooks.tracing")
    hook = getattr(tracing, "TracingHook", None)
    if hook is None:
        return None
    if hasattr(tracing, "configure_telemetry_for_hook"):
        enrich(hook, patches)
        return "off unless you choose it; its spans are enriched then"

    def request(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs) if runtime.current() is None else args[1]

    def error(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs) if runtime.current() is None else (args[1], args[2])

    patches.wrap(hook, "before_request", request)
    patches.wrap(hook, "after_success", request)
    patches.wrap(hook, "after_error", error)
    return "switched off: TracingHook"


def enrich(hook: Any, patches: Patches) -> None:
    """Patch the class that makes the spans."""
    patches.wrap(hook, "before_request", _before)
    patches.wrap(hook, "after_success", _success)
    patches.wrap(hook, "after_error", _error)


def _before(wrapped: Callable[..., Any], hook: Any, args: Any, kwargs: Any) -> Any:
    ours, token, held = None, None, None
    try:
        context = args[0]
        if runtime.current() is not None:
            ours = chosen(context.config)
        if ours is False:
            # The call is ours, and current: a span that goes elsewhere keeps the parent it had.
            held = ctx.current()
            outside = ctx.outside(held)
            token = None if outside is held else ctx.attach(outside)
    except Exception:
        guard.failed("mistral_native.outside")
    try:
        result = wrapped(*args, **kwargs)
    finally:
        if token is not None:
            ctx.detach(token)
    try:
        span = result.extensions.get(_SPAN)
        if span is not None and ours:
            _enrich(span, context, result)
        elif span is not None and held is not None:
            apart.note(span, held)
    except Exception:
        guard.failed("mistral_native.before")
    return result


def _enrich(span: Any, context: Any, request: Any) -> None:
    # Where it means another operation (an agent's run), it says what there is to say.
    route = OPERATIONS.get(context.operation_id)
    made = (getattr(span, "attributes", None) or {}).get(semconv.OPERATION_NAME)
    if route is not None and span.is_recording() and made == route.operation:
        token = ctx.attach(set_span_in_context(span))
        try:
            found = _begin(None, (context, request), {})
        finally:
            ctx.detach(token)
        if found is not None:
            _open[request] = found


def _success(wrapped: Callable[..., Any], hook: Any, args: Any, kwargs: Any) -> Any:
    found = None
    try:
        response = args[1]
        found = _open.pop(response.request, None)
        if found is not None and "_content" in response.__dict__:
            # Before Mistral's span ends.
            speakeasy.receive(*found, response)
            found = None
    except Exception:
        guard.failed("mistral_native.success")
    result = wrapped(*args, **kwargs)
    try:
        if found is not None:
            call, route = found
            speakeasy.receive(call, route, result)
            # Mistral's span ends when the response is closed, which the stream does at its end.
            responses.on_close(result, call.end)
    except Exception:
        guard.failed("mistral_native.stream")
    return result


def _error(wrapped: Callable[..., Any], hook: Any, args: Any, kwargs: Any) -> Any:
    try:
        response = args[1]
        found = _open.pop(response.request, None) if response is not None else None
        if found is not None:
            call, _ = found
            call.status, call.headers = response.status_code, response.headers
            call.end()
    except Exception:
        guard.failed("mistral_native.error")
    return wrapped(*args, **kwargs)
