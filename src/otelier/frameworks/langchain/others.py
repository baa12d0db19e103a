"""Others that show LangChain's runs: their handlers, and what they wrap to bring them in.

Where one of them does, its steps stay, and its span of a model's run carries the call that the SDK
below makes: one call, one span. Some do not make theirs current, so it is looked up by the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from opentelemetry.context import Context
from opentelemetry.trace import Span, set_span_in_context

from otelier import apart, guard, model_runs, statics
from otelier import context as ctx
from otelier.hooks import foreign
from otelier.model_runs import ModelRun

# The span that a run of a model's has; True where that is made later, of what was told; or None.
Find: TypeAlias = Callable[[Any], "Span | bool | None"]
_KIND: Final = "openinference.span.kind"


def found() -> Iterator[Any]:
    """What may be another instrumentation's, for all runs."""
    yield from _wrappers()
    for hook in statics.loaded("langchain_core.tracers.context", "_configure_hooks") or ():
        handler = hook[0].get()
        if handler is not None:
            yield handler


def _wrappers() -> Iterator[Any]:
    """What is around the making of callback managers: so most of them bring their handler in."""
    return foreign.wrappers([("langchain_core.callbacks.base", "BaseCallbackManager", "__init__")])


def everywhere(run_id: Any) -> Span | None:
    """The span that one of these has for a model's run."""
    for wrapper in _wrappers():
        made = getattr(wrapper, "_self_wrapper", None)
        for prefix, handler, find in _FINDERS:
            if made is not None and type(made).__module__.startswith(prefix):
                span: Span | None = find(getattr(made, handler), run_id)
                return span
    return None


def model_begins(run_id: Any, find: Find = everywhere) -> None:
    """A run of a model begins that another instrumentation has a span for."""
    model_runs.mark.set(_Shown(run_id, find))


class _Shown(ModelRun):
    """A run of a model's that is shown by somebody else: its call is that span's."""

    __slots__ = ("_find", "_run_id")

    def __init__(self, run_id: Any, find: Find) -> None:
        self._run_id, self._find = run_id, find
        super().__init__()

    @property
    def context(self) -> Context | None:  # type: ignore[override]
        """Where its call belongs: it is asked for when the call is made, and not before."""
        try:
            span = self._find(self._run_id)
            if span is None:
                return None
            here = ctx.current()
            return ctx.unseen(here) if isinstance(span, bool) else set_span_in_context(span, here)
        except Exception:
            guard.failed("langchain.others")
            return None

    @context.setter
    def context(self, value: Context | None) -> None:
        """Theirs alone counts."""


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


def of_run(handlers: Any) -> tuple[str, Find] | None:
    """Who of the handlers that a run was given shows it where ours would, too, and how."""
    for handler in handlers:
        kind = statics.identity(type(handler))
        find = _GIVEN[kind](handler) if kind in _GIVEN else None
        if find is not None:
            return kind[0], find
    return None


def _langfuse(handler: Any) -> Find | None:
    tracer = getattr(handler._langfuse_client, "_otel_tracer", None)
    if tracer is None or not apart.shared(tracer):
        return None

    def find(run_id: Any) -> Span | None:
        span: Span | None = getattr(handler._runs.get(run_id), "_otel_span", None)
        return span

    return find


def _langsmith(handler: Any) -> Find | None:
    """Its exporter makes spans of runs that are over, if it exports by OpenTelemetry at all."""
    exporter = statics.member(statics.member(handler, "client"), "otel_exporter")
    tracer = statics.member(exporter, "_tracer")
    return (lambda run_id: True) if tracer is not None and apart.shared(tracer) else None


_GIVEN: Final[dict[tuple[str, str], Callable[[Any], Find | None]]] = {
    ("langfuse.langchain.CallbackHandler", "LangchainCallbackHandler"): _langfuse,
    ("langchain_core.tracers.langchain", "LangChainTracer"): _langsmith,
}
