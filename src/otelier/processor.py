"""The span processor: session and user on every span, and a look at each that ends.

What others' GenAI spans lack, and what they must not have, is a matter of :mod:`otelier.finishing`.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from opentelemetry import trace
from opentelemetry.context import Context

from otelier import (
    context,
    deferred,
    guard,
    loading,
    model_runs,
    runtime,
    scope,
    semconv,
    theirs,
    under_way,
)
from otelier.runtime import SCOPE, Runtime, narrowed

# By identity: a provider of others' may be of a kind that cannot be hashed.
_installed: WeakValueDictionary[int, Any] = WeakValueDictionary()
# Where content of others' spans may go, where that is less than the settings say.
_less: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
# Others' spans beneath an agent or a workflow.
_beneath: WeakKeyDictionary[Any, _Beneath] = WeakKeyDictionary()
# Told of the TracerProvider of each otelier that starts.
told: Final[list[Callable[[Any], None]]] = []
_BAGGAGE: Final = (semconv.SESSION_ID, semconv.USER_ID, semconv.CONVERSATION_ID)
# Imported with the first span of others that ends, and with the first of them that is a GenAI one:
# a program without pays nothing for them.
_their_content: Any = None
_finishing: Any = None
# ``opentelemetry.baggage``, where a setting asks for it.
_baggage: Any = None


class _Beneath:
    """What a span of others, beneath an agent or a workflow, has around it."""

    __slots__ = ("_before", "_begun", "outer", "scope", "told")

    def __init__(self, around: scope.Scope, span: Any, held: Context) -> None:
        self.scope = around
        # How many calls had begun before, and how many of them its library had told of.
        self._begun = around.begun
        self._before = scope.told_by(around, span.instrumentation_scope.name)
        self.outer: Any = trace.get_current_span(held)
        # Whether a span beneath it is the model call.
        self.told = False

    def alone(self, library: str | None) -> bool:
        """Whether no call of ours, and no other library's, has been seen in it.

        A library has not two spans side by side for one call: its others are calls of their own.
        """
        apart = scope.told_by(self.scope, library) - self._before
        return not self.told and self.scope.begun - self._begun == apart

    def tell(self) -> None:
        """It is a model call: those around it have one beneath."""
        above: _Beneath | None = _beneath.get(self.outer)
        while above is not None and not above.told:
            above.told = True
            above = _beneath.get(above.outer)


class OtelierSpanProcessor:
    """Added to the program's TracerProvider; exports nothing and never raises."""

    # OpenTelemetry SDK 1.33 and later call all processors before any of them sees the end.
    before_end = True
    # What our provider has for its processors, where it calls them one by one and ours first.
    every: Any = None

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Put the session of the context on the span."""
        try:
            if deferred.waiting:
                deferred.drain()
            held = parent_context if parent_context is not None else context.current()
            session: Any = held.get(context.SESSION)
            if session is not None:
                _put(span, session.attributes)
            for natives in scope.watching:
                natives.started(span, held)
            around: Any = scope.around(held) if scope.watching else held.get(context.SCOPE)
            running = model_runs.mark.get()
            less = context.CAPTURE in held or context.around.get()
            seen = around is not None or running is not None or less
            if seen and span.instrumentation_scope.name != SCOPE:
                if running is not None:
                    model_runs.noted(span._attributes, theirs.is_model_call)
                if around is not None:
                    _beneath[span] = _Beneath(around, span, held)
                if less:
                    _less[span] = narrowed(held).get(context.CAPTURE)
            run = runtime.current()
            if run is not None and run.settings.baggage:
                _from_baggage(span, held)
        except Exception:
            guard.failed("processor.on_start")

    def _on_ending(self, span: Any) -> None:
        """Finish others' GenAI spans before any exporter sees them."""
        try:
            if theirs.enriched:
                theirs.ending(span)
        except Exception:
            guard.failed("processor.ending")
        self._finish(span)

    def on_end(self, span: Any) -> None:
        """The same, where the SDK has no earlier call."""
        if self.before_end:
            return
        try:
            known = _original(span)
            self._on_ending(known)
            span._status, span._name = known._status, known._name
        except Exception:
            guard.failed("processor.on_end")

    def _finish(self, span: Any) -> None:
        global _their_content, _finishing
        try:
            made_by = getattr(span, "instrumentation_scope", None)
            if made_by is not None and made_by.name == SCOPE:
                return
            run = runtime.current()
            if run is None:
                return
            for natives in scope.watching:
                natives.ending(run, span)
            around = _beneath.pop(span, None)
            attributes = span._attributes
            model_runs.noted(attributes, theirs.is_model_call)
            library = None if made_by is None else made_by.name
            if _their_content is None:
                _their_content = loading.module("their_content")
            genai = _their_content.is_genai(library, attributes or ())
            if not genai and not (
                attributes and any(name in attributes for name in semconv.OPENINFERENCE_CONTENT)
            ):
                return
            if _finishing is None:
                _finishing = loading.module("finishing")
            if not genai:
                _finishing.redact(run, span)
                return
            _finishing.finish(run, span, library, _less.pop(span, None))
            if around is None or not around.alone(library):
                return
            if _finishing.sum_up(around.scope, span, library):
                around.tell()
        except Exception:
            guard.failed("processor.on_ending")

    def shutdown(self) -> None:
        """End what is under way, and what waits to be ended, while exporters still take it."""
        if self.every is not None:
            under_way.leave(self.every)
        self.force_flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """End what waits to be ended."""
        try:
            cost: Any = sys.modules.get("otelier.cost")
            if cost is not None:
                cost.settle(timeout_millis / 1000)
            deferred.drain()
        except Exception:
            guard.failed("processor.flush")
        return True


def _original(span: Any) -> Any:
    """The span itself, where we know it: old SDKs give a copy at the end, with its attributes."""
    known: tuple[WeakKeyDictionary[Any, Any], ...]
    known = (theirs.enriched, _beneath, _less, scope.beneath)
    for held in known:
        # Made at once: other threads add to it.
        for reference in held.keyrefs():
            each = reference()
            if each is not None and each.get_span_context() == span.get_span_context():
                return each
    return span


def _put(span: Any, session: Any) -> None:
    # A conversation that the request itself names is the provider's own.
    if semconv.CONVERSATION_ID in session:
        present = getattr(span, "attributes", None) or {}
        if semconv.CONVERSATION_ID in present:
            session = {k: v for k, v in session.items() if k != semconv.CONVERSATION_ID}
    span.set_attributes(session)


def _from_baggage(span: Any, held: Context) -> None:
    for name in _BAGGAGE:
        value = _baggage.get_baggage(name, held)
        if isinstance(value, str) and name not in (span.attributes or {}):
            span.set_attribute(name, value)


def install(run: Runtime) -> None:
    """Add the processor to the TracerProvider, once each; again later if there is none yet."""
    global _baggage
    if run.settings.baggage and _baggage is None:
        _baggage = import_module("opentelemetry.baggage")
    provider = run.tracer_provider or trace.get_tracer_provider()
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        run.late = lambda: install(run)
        return
    run.late = None
    if _installed.get(id(provider)) is not provider:
        _installed[id(provider)] = provider
        ours = OtelierSpanProcessor()
        add(ours)
        every = getattr(provider, "_active_span_processor", None)
        ours.before_end = hasattr(every, "_on_ending")
        if hasattr(every, "_span_processors"):
            _move_first(every)
        if type(every).__name__ == "SynchronousMultiSpanProcessor":
            ours.every = every
        # Handlers run in the reverse order: before the providers', whose metrics and events the
        # last spans have, too.
        atexit.unregister(under_way.leave)
        atexit.register(under_way.leave)
    for tell in told:
        tell(provider)


def _move_first(every: Any) -> None:
    """Processors are told of ends and flushes in order: ours has to come before exporters'."""
    try:
        with every._lock:
            every._span_processors = (every._span_processors[-1], *every._span_processors[:-1])
    except Exception:
        guard.failed("processor.move_first")
