"""``anthropic``'s own spans: none, unless the user chose them."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import get_tracer_provider

from otelier import apart, guard, runtime, settings
from otelier import context as ctx
from otelier.hooks.beside import Beside
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.sdks.stainless import client as stainless


def native(module: Any, patches: Patches) -> str | None:
    """``anthropic`` 1.14 and later: no spans of its own, unless the user chose them.

    With ``ANTHROPIC_OPEN_TELEMETRY=true``, or a client that was given ``open_telemetry=``, the
    SDK's span stays, and ours enriches it; where it goes to another backend, ours is beside it.
    """
    base = getattr(module, "BaseClient", None)
    original = getattr(base, "__dict__", {}).get("_tracer")
    if not isinstance(original, property):
        return None

    def tracer(client: Any) -> Any:
        try:
            if runtime.current() is not None:
                if not _chosen(client):
                    return None
                return _apart(client, original.__get__(client))
        except Exception:
            guard.failed("anthropic_native")
        return original.__get__(client)

    def choose(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        try:
            option = argument(args, kwargs, 0, "open_telemetry")
            _clients.put(client, _explicit(option))
        except Exception:
            guard.failed("anthropic_native")
        return result

    def copied(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        try:
            given = argument(args, kwargs, 0, "open_telemetry")
            if given is None and type(result) is dict:
                return _Inherited(result, _chosen(client))
        except Exception:
            guard.failed("anthropic_native")
        return result

    patches.replace(base, "_tracer", property(tracer))
    for name, wrapper in (("_set_open_telemetry", choose), ("_copy_open_telemetry", copied)):
        if name in base.__dict__:
            patches.wrap(base, name, wrapper)
    if "finish_api_call_span" in module.__dict__:
        patches.wrap(module, "finish_api_call_span", _finishing)
    if settings.native_anthropic_is_explicit():
        return "kept: ANTHROPIC_OPEN_TELEMETRY is set; its spans are enriched"
    return "switched off: BaseClient._tracer"


# Of clients: whether the user asked for its spans; its tracer, and ours around it.
_clients: Final[Beside[bool]] = Beside()
_tracers: Final[Beside[tuple[Any, apart.Tracer]]] = Beside()


def _finishing(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    """A whole answer is read before the SDK's span ends with it."""
    try:
        span, result = args[1], args[2]
        call: Any = ctx.current().get(ctx.CALL)
        if call is not None and call.enriches and call.span is span and result.error is None:
            closed = result.response is None or result.response.is_closed
            if closed and not hasattr(type(result.data), "__stream__"):
                stainless.receive(call, call.route, result.data)
    except Exception:
        guard.failed("native.finishing")
    return wrapped(*args, **kwargs)


class _Inherited(dict[str, Any]):
    """A copied client's options, which are the resolved ones of the client that was copied."""

    def __init__(self, options: dict[str, Any], chosen: bool) -> None:
        super().__init__(options)
        self.chosen = chosen


def _explicit(option: Any) -> bool:
    if option is None:
        return settings.native_anthropic_is_explicit()
    return option.chosen if isinstance(option, _Inherited) else option is not False


def _chosen(client: Any) -> bool:
    chosen = _clients.of(client)
    if chosen is None:
        # Made before otelier was started: what only a user's choice puts into the options.
        options = getattr(client, "_open_telemetry", None) or {}
        chosen = bool(options.get("tracer_provider") or options.get("conversation_id"))
        chosen = _clients.put(client, chosen or settings.native_anthropic_is_explicit())
    return bool(chosen)


def _apart(client: Any, tracer: Any) -> Any:
    options = getattr(client, "_open_telemetry", None) or {}
    provider = options.get("tracer_provider") or get_tracer_provider()
    if tracer is None or apart.shared(provider):
        return tracer
    held = _tracers.of(client)
    if held is None or held[0] is not tracer:
        held = _tracers.put(client, (tracer, apart.Tracer(tracer)))
    return held[1]
