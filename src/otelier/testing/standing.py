"""What stands in for the program's TracerProvider while something records.

One provider for the whole process: tracers that libraries get from it, and keep, record in the next
test, too; while nothing records they are those of the program's own provider. A span belongs to
what was recorded when it began, however late it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span

from otelier import forks, guard
from otelier.runtime import SCOPE

_Key: TypeAlias = tuple[int, int]


class Recording:
    """The spans of one test."""

    __slots__ = ("open", "outer", "over", "spans")

    def __init__(self, outer: Recording | None) -> None:
        # Those that have ended, in that order.
        self.spans: list[ReadableSpan] = []
        # Those that have not.
        self.open: dict[_Key, Any] = {}
        self.outer = outer
        self.over = False

    def take(self, span: ReadableSpan) -> None:
        """A span has ended."""
        self.spans.append(span)
        if self.outer is not None:
            self.outer.take(span)


# Those that record now, one in the other.
_stack: Final[list[Recording]] = []


def innermost() -> Recording | None:
    """What a span that begins now belongs to."""
    return _stack[-1] if _stack else None


# --- where spans go -----------------------------------------------------------------------------

_owners: Final[WeakKeyDictionary[Any, Recording]] = WeakKeyDictionary()
_open: Final[dict[_Key, Recording]] = {}
forks.in_child(_open.clear)


class _Router(SpanProcessor):
    """Hands each span to what it belongs to. Never raises."""

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        try:
            # Work that a test has left behind stays that test's: the next one hears nothing of it.
            left = _left(trace.get_current_span(parent_context))
            owner = innermost() if left is None else left
            if owner is None:
                return
            _owners[span] = owner
            heard: Recording | None = owner
            while heard is not None and heard.over:
                heard = heard.outer
            if heard is not None:
                key = _key(span)
                heard.open[key] = span
                _open[key] = heard
        except Exception:
            guard.failed("testing.on_start")

    def on_end(self, span: ReadableSpan) -> None:
        try:
            key = _key(span)
            owner = _open.pop(key, None)
            if owner is not None:
                owner.open.pop(key, None)
                owner.take(span)
        except Exception:
            guard.failed("testing.on_end")


def _left(above: Span) -> Recording | None:
    """The test that a span belongs to, if that is over."""
    try:
        found = _owners.get(above)
    except TypeError:  # A span of others' kind, without a hash.
        return None
    return found if found is not None and found.over else None


def _key(span: Any) -> _Key:
    context = span.get_span_context()
    return context.trace_id, context.span_id


class _Provider(TracerProvider):
    """Records everything, whatever the environment says of the SDK."""

    def __init__(self) -> None:
        super().__init__(ALWAYS_ON, Resource.get_empty(), shutdown_on_exit=False)
        self._disabled = False
        self.add_span_processor(_Router())

    def get_tracer(self, instrumenting_module_name: str, *more: Any, **named: Any) -> trace.Tracer:
        """Otelier's own tracer, and for others one that knows when nothing records any more."""
        ours = super().get_tracer(instrumenting_module_name, *more, **named)
        if instrumenting_module_name == SCOPE:
            return ours
        return _Tracer(ours, lambda its: its.get_tracer(instrumenting_module_name, *more, **named))

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Otelier's own; what the program adds while a test runs would send its spans away."""
        if type(span_processor).__module__.startswith("otelier."):
            super().add_span_processor(span_processor)

    def shutdown(self) -> None:
        """Nothing: there are tests to come."""


class _Tracer(trace.Tracer):
    """A library's tracer: ours while something records, and else the program's."""

    def __init__(self, ours: trace.Tracer, elsewhere: Callable[[Any], trace.Tracer]) -> None:
        self._tracer = ours
        self._elsewhere = elsewhere

    def _now(self) -> trace.Tracer:
        if _stack:
            return self._tracer
        provider = trace.get_tracer_provider()
        return self._tracer if provider is _provider else self._elsewhere(provider)

    def start_span(self, *args: Any, **kwargs: Any) -> Span:
        return self._now().start_span(*args, **kwargs)

    def start_as_current_span(  # type: ignore[override]
        self, *args: Any, **kwargs: Any
    ) -> AbstractContextManager[Span]:
        return self._now().start_as_current_span(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_tracer":  # Of a copy that is being made.
            raise AttributeError(name)
        return getattr(self._tracer, name)


_provider: _Provider | None = None


def provider() -> TracerProvider:
    """The TracerProvider of what is recorded."""
    global _provider
    if _provider is None:
        _provider = _Provider()
    return _provider


# --- the program's own --------------------------------------------------------------------------


class _Muted(SpanProcessor):
    """In the place of the processors of a provider of the program's: they hear of no test."""

    def __init__(self, before: tuple[SpanProcessor, ...], instead: Any) -> None:
        self.before = before
        self._instead = instead

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        span._span_processor = self._instead
        self._instead.on_start(span, parent_context)

    # What began before the test goes where it went.
    def _on_ending(self, span: Any) -> None:
        for each in self.before:
            each._on_ending(span)

    def on_end(self, span: ReadableSpan) -> None:
        for each in self.before:
            each.on_end(span)

    def shutdown(self) -> None:
        for each in self.before:
            each.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        flushed = [each.force_flush(timeout_millis) for each in self.before]
        return all(flushed)


def _mute(its: Any) -> Callable[[], None] | None:
    """Spans of a provider go to ours; returns what puts its processors back."""
    every: Any = getattr(its, "_active_span_processor", None)
    before, lock = getattr(every, "_span_processors", None), getattr(every, "_lock", None)
    instead = provider()._active_span_processor
    if type(before) is not tuple or lock is None or every is instead:
        return None  # It is none of the SDK's.
    muted = _Muted(before, instead)
    with lock:
        every._span_processors = (muted,)

    def back() -> None:
        with lock:
            added = (each for each in every._span_processors if each is not muted)
            every._span_processors = (*before, *added)

    return back


# What puts back all that was replaced when the outermost began.
_undo: Final[list[Callable[[], None]]] = []


def begin(of_program: Any) -> Recording:
    """Record from now on. ``of_program``: the provider that its otelier was given, if it was."""
    if not _stack:
        _replace(of_program)
    recording = Recording(innermost())
    _stack.append(recording)
    return recording


def end(recording: Recording) -> None:
    """Record no more in this one."""
    recording.over = True
    _stack.remove(recording)
    for key, span in recording.open.copy().items():
        # What ends now is the outer one's alone.
        if recording.outer is None:
            _open.pop(key, None)
        else:
            _open[key] = recording.outer
            recording.outer.open[key] = span
    for each in _stack:
        if each.outer is recording:
            each.outer = recording.outer
    while not _stack and _undo:
        _undo.pop()()


def _replace(of_program: Any) -> None:
    ours, before = provider(), trace._TRACER_PROVIDER
    once: Any = trace._TRACER_PROVIDER_SET_ONCE
    done = once._done
    # A provider that the program sets while a test runs is refused, as one is after the first.
    once._done = True
    trace._TRACER_PROVIDER = ours

    def back() -> None:
        if trace._TRACER_PROVIDER is ours:
            trace._TRACER_PROVIDER = before
            once._done = done

    _undo.append(back)
    for its in {id(each): each for each in (before, of_program) if each is not None}.values():
        unmute = _mute(its)
        if unmute is not None:
            _undo.append(unmute)
