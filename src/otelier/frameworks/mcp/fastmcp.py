"""The package ``fastmcp``: its own spans are of requests that we see where ``mcp`` sends them.

Its spans of anything else (servers that are mounted in others, its loop of sampling) stay.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from opentelemetry.trace import INVALID_SPAN, SpanKind

from otelier import context as ctx
from otelier import guard
from otelier.frameworks.mcp.arrivals import sees
from otelier.frameworks.mcp.exchange import OPEN, Exchange
from otelier.hooks.patching import Patches


class Tracer:
    """Its tracer, but for requests."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A context manager that gives the span; of a request it gives none."""
        try:
            if _seen(kwargs.get("kind")):
                return nullcontext(INVALID_SPAN)
        except Exception:
            guard.failed("mcp.fastmcp")
        return self._tracer.start_as_current_span(name, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracer, name)


def _seen(kind: Any) -> bool:
    """Whether a span of this kind would be of a request of ours."""
    if kind is SpanKind.CLIENT:
        # Ours begins inside.
        return not ctx.suppressed(ctx.current()) and sees()
    here: Any = ctx.current().get(OPEN)
    # A server that is called as a function serves no request.
    return kind is SpanKind.SERVER and isinstance(here, Exchange) and here.serves and not here.ended


def _tracer(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    return Tracer(wrapped(*args, **kwargs))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap where ``fastmcp.telemetry`` gets its tracer, each time. Raises LookupError."""
    if "otel_get_tracer" not in module.__dict__:
        raise LookupError(f"{module.__name__}.otel_get_tracer")
    patches.wrap(module, "otel_get_tracer", _tracer)
    return f"{module.__name__}.otel_get_tracer"
