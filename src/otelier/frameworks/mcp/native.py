"""Version 2's own spans: where ours is of the same request, that takes its place.

The SDK asks one tracer for all of its spans, each time anew. What we do not see it makes as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from opentelemetry.trace import INVALID_SPAN

from otelier import context as ctx
from otelier import guard
from otelier.frameworks.mcp.exchange import OPEN, is_first
from otelier.hooks.patching import Patches


class Quiet:
    """In the place of a message that has no span: the SDK makes none either."""

    __slots__ = ("_native",)

    def __init__(self) -> None:
        self._native = [True]

    def native(self, attributes: Any) -> bool:
        """Whether the span that the SDK wants to make now is of this message."""
        return is_first(self._native, attributes)


class Tracer:
    """A library's tracer, but for spans that are there already."""

    def __init__(self, tracer: Any, is_there: Callable[[Any], bool]) -> None:
        """``is_there`` says so of the options of a span that is to begin."""
        self._tracer = tracer
        self._is_there = is_there

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A context manager that gives the span; for what is there already it gives none."""
        try:
            if self._is_there(kwargs):
                return nullcontext(INVALID_SPAN)
        except Exception:
            guard.failed("mcp.native")
        return self._tracer.start_as_current_span(name, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracer, name)


def _is_ours(options: Any) -> bool:
    here: Any = ctx.current().get(OPEN)
    return here is not None and bool(here.native(options.get("attributes")))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Replace ``mcp.shared._otel._tracer``. Raises LookupError."""
    tracer = module.__dict__.get("_tracer")
    if not hasattr(tracer, "start_as_current_span"):
        raise LookupError(f"{module.__name__}._tracer")
    patches.replace(module, "_tracer", Tracer(tracer, _is_ours))
    return f"{module.__name__}._tracer"
