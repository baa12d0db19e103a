"""Version 2's own spans: where ours is of the same request, that takes its place.

The SDK asks one tracer for all of its spans, each time anew. What we do not see it makes as ever.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from opentelemetry.trace import INVALID_SPAN

from otelier import context as ctx
from otelier import guard
from otelier.frameworks.mcp.exchange import OPEN
from otelier.hooks.patching import Patches


class Quiet:
    """In the place of a message that has no span: the SDK makes none either."""

    __slots__ = ("_native",)

    def __init__(self) -> None:
        self._native = [True]

    def native(self, attributes: Any) -> bool:
        """Whether the span that the SDK wants to make now is of this message."""
        try:
            self._native.pop()
        except IndexError:
            return False
        return True


class Tracer:
    """The SDK's tracer, but for spans that are there already."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A context manager that gives the span; for what is ours it gives none."""
        try:
            here: Any = ctx.current().get(OPEN)
            if here is not None and here.native(kwargs.get("attributes")):
                return nullcontext(INVALID_SPAN)
        except Exception:
            guard.failed("mcp.native")
        return self._tracer.start_as_current_span(name, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracer, name)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Replace ``mcp.shared._otel._tracer``. Raises LookupError."""
    tracer = module.__dict__.get("_tracer")
    if not hasattr(tracer, "start_as_current_span"):
        raise LookupError(f"{module.__name__}._tracer")
    patches.replace(module, "_tracer", Tracer(tracer))
    return f"{module.__name__}._tracer"
