"""Telemetry that SDKs make by themselves, and how it is switched off where ours takes its place."""

from __future__ import annotations

from typing import Any

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
