"""The framework's spans that go to another backend than ours: neither's parents are the other's."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otelier import apart, guard, runtime
from otelier import context as ctx
from otelier.hooks.patching import Patches

_AGENT: Final = "_start_as_current_span"


def goes(span: Span, outside: Context) -> bool:
    """Whether a span that was made in ``outside`` goes elsewhere than ours; that is noted then."""
    run = runtime.current()
    if run is None or apart.belongs(span, run):
        return False
    apart.note(span, outside)
    return True


def look(module: Any, patches: Patches) -> None:
    """Look at the spans that a module makes of agents."""
    if _AGENT in module.__dict__:
        patches.wrap(module, _AGENT, _started)


def _started(wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
    return Started(wrapped(*args, **kwargs))


class Started:
    """A span that is current in a block."""

    __slots__ = ("_native",)

    def __init__(self, native: Any) -> None:
        self._native = native

    def __enter__(self) -> Any:
        outside = ctx.current()
        span = self._native.__enter__()
        try:
            goes(span, outside)
        except Exception:
            guard.failed("semantic_kernel.elsewhere")
        return span

    def __exit__(self, *raised: Any) -> Any:
        return self._native.__exit__(*raised)
