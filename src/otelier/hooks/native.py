"""Telemetry that SDKs make by themselves, and how it is switched off where ours takes its place."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from opentelemetry.trace import INVALID_SPAN, NoOpTracer

from otelier import guard, runtime, settings
from otelier.hooks.patching import Patches


def anthropic(module: Any, patches: Patches) -> str | None:
    """``anthropic`` 1.14 and later: no spans of its own, unless the user configured them.

    With ``ANTHROPIC_OPEN_TELEMETRY=true``, or a client made with ``open_telemetry=``, the SDK's
    span stays, and ours enriches it.
    """
    base = getattr(module, "BaseClient", None)
    original = getattr(base, "__dict__", {}).get("_tracer")
    if not isinstance(original, property):
        return None
    if settings.native_anthropic_is_explicit():
        return "kept: ANTHROPIC_OPEN_TELEMETRY is set; its spans are enriched"

    def tracer(client: Any) -> Any:
        try:
            if runtime.current() is not None and not client.__dict__.get("_otelier_native"):
                return None
        except Exception:
            guard.failed("native.anthropic")
        return original.__get__(client)

    def choose(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        try:
            option = args[0] if args else kwargs.get("open_telemetry")
            if _explicit(option):
                client.__dict__["_otelier_native"] = True
        except Exception:
            guard.failed("native.anthropic")
        return result

    patches.replace(base, "_tracer", property(tracer))
    if "_set_open_telemetry" in base.__dict__:
        patches.wrap(base, "_set_open_telemetry", choose)
    return "switched off: BaseClient._tracer"


def _explicit(option: Any) -> bool:
    if option is None or option is False:
        return False
    if option is True:
        return True
    # A copied client is given the resolved options, which only a user's choice puts a provider in.
    return isinstance(option, dict) and option.get("tracer_provider") is not None


def mistral(module: Any, patches: Patches) -> str | None:
    """``mistralai`` 1.10 and later: no spans of its own for calls that otelier takes.

    Up to 2.3 they are on in every program with a tracer provider, and there is no switch. Since
    2.4 they are off unless the user asks for them: then they stay, and ours enriches them.
    """
    tracing = sys.modules.get(module.__name__.removesuffix("basesdk") + "_hooks.tracing")
    hook = getattr(tracing, "TracingHook", None)
    if hook is None:
        return None
    if hasattr(tracing, "configure_telemetry_for_hook"):
        from otelier.hooks import mistral_native

        mistral_native.enrich(hook, patches)
        return "off unless you choose it; its spans are enriched then"

    def request(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs) if runtime.current() is None else args[1]

    def error(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs) if runtime.current() is None else (args[1], args[2])

    patches.wrap(hook, "before_request", request)
    patches.wrap(hook, "after_success", request)
    patches.wrap(hook, "after_error", error)
    return "switched off: TracingHook"


def mistral_tools(module: Any, patches: Patches) -> str | None:
    """``mistralai``'s loop of functions: no spans of its own for those, which are always made."""
    tools = sys.modules.get(module.__name__.removesuffix("context") + "tools")
    if not hasattr(tools, "trace"):
        return None
    patches.replace(tools, "trace", SimpleNamespace(get_tracer=lambda name: _Silent()))
    return f"switched off: {module.__name__.removesuffix('context')}tools.trace"


def xai(module: Any, patches: Patches) -> str | None:
    """``xai_sdk`` since it has spans: none for calls that otelier takes.

    There is only a switch to turn them off (``XAI_SDK_DISABLE_TRACING``, read at import), none by
    which a user could ask for them. Their span would be current in the loop that reads a stream.
    """
    if not hasattr(module, "tracer"):
        return None
    patches.replace(module, "tracer", _Silent())
    return f"switched off: {module.__name__}.tracer"


class _Silent(NoOpTracer):
    """Its spans are nothing, and none is made current: the caller's stays so."""

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return nullcontext(INVALID_SPAN)
