"""The package ``fastmcp``: its own spans are of requests that we see where ``mcp`` sends them.

Its spans of anything else (servers that are mounted in others, its loop of sampling) stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import SpanKind

from otelier import context as ctx
from otelier.frameworks.mcp.arrivals import sees
from otelier.frameworks.mcp.exchange import OPEN, Exchange
from otelier.frameworks.mcp.native import Tracer
from otelier.hooks.patching import Patches


def _seen(options: Any) -> bool:
    """Whether a span with these options would be of a request of ours."""
    kind = options.get("kind")
    if kind is SpanKind.CLIENT:
        # Ours begins inside.
        return not ctx.suppressed(ctx.current()) and sees()
    here: Any = ctx.current().get(OPEN)
    # A server that is called as a function serves no request.
    return kind is SpanKind.SERVER and isinstance(here, Exchange) and here.serves and not here.ended


def _tracer(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    return Tracer(wrapped(*args, **kwargs), _seen)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap where ``fastmcp.telemetry`` gets its tracer, each time. Raises LookupError."""
    if "otel_get_tracer" not in module.__dict__:
        raise LookupError(f"{module.__name__}.otel_get_tracer")
    patches.wrap(module, "otel_get_tracer", _tracer)
    return f"{module.__name__}.otel_get_tracer"
