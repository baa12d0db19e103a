"""Others that show LangChain's runs: their handlers, and what they wrap to bring them in.

Where one of them does, its steps stay, and its span of a model's run carries the call that the SDK
below makes: one call, one span. Some do not make theirs current, so it is looked up by the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, set_span_in_context

from otelier import context as ctx
from otelier import guard, model_runs, statics
from otelier.model_runs import ModelRun

_KIND: Final = "openinference.span.kind"


def found() -> Iterator[Any]:
    """What may be another instrumentation's."""
    yield from _wrappers()
    for hook in statics.loaded("langchain_core.tracers.context", "_configure_hooks") or ():
        handler = hook[0].get()
        if handler is not None:
            yield handler


def _wrappers() -> Iterator[Any]:
    """What is around the making of callback managers: so most of them bring their handler in."""
    manager: Any = statics.loaded("langchain_core.callbacks.base", "BaseCallbackManager")
    target = vars(manager).get("__init__") if manager is not None else None
    for _ in range(16):
        if target is None:
            break
        yield target
        target = getattr(target, "__wrapped__", None)


def model_begins(run_id: Any) -> None:
    """A run of a model begins that another instrumentation has a span for."""
    model_runs.mark.set(_Shown(run_id))


class _Shown(ModelRun):
    """A run of a model's that is shown by somebody else: its call is that span's."""

    __slots__ = ("_run_id",)

    def __init__(self, run_id: Any) -> None:
        self._run_id = run_id
        super().__init__()

    @property
    def context(self) -> Context | None:  # type: ignore[override]
        """Where its call belongs: it is asked for when the call is made, and not before."""
        try:
            span = _span(self._run_id)
            return None if span is None else set_span_in_context(span, ctx.current())
        except Exception:
            guard.failed("langchain.others")
            return None

    @context.setter
    def context(self, value: Context | None) -> None:
        """Theirs alone counts."""


def _span(run_id: Any) -> Span | None:
    for wrapper in _wrappers():
        made = getattr(wrapper, "_self_wrapper", None)
        for prefix, handler, find in _FINDERS:
            if made is not None and type(made).__module__.startswith(prefix):
                span: Span | None = find(getattr(made, handler), run_id)
                return span
    return None


def _of_openinference(handler: Any, run_id: Any) -> Any:
    # Theirs is around the span, and keeps what is set until its end.
    span = getattr(handler.get_span(run_id), "__wrapped__", None)
    if span is not None and span.is_recording():
        # It says so itself, but only at its end.
        span.set_attribute(_KIND, "LLM")
    return span


def _of_traceloop(handler: Any, run_id: Any) -> Any:
    held = handler.spans.get(run_id)
    return None if held is None else held.span


# By the module of what they wrap with: what holds their handler, and its span of a run.
_FINDERS: Final[tuple[tuple[str, str, Callable[[Any, Any], Any]], ...]] = (
    ("openinference.", "_tracer", _of_openinference),
    ("opentelemetry.instrumentation.langchain", "_callback_handler", _of_traceloop),
)
