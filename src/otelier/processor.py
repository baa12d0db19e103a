"""The span processor: session and user on every span; cost and redaction on others' GenAI spans."""

from __future__ import annotations

import atexit
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.trace import Status

from otelier import (
    context,
    cost,
    deferred,
    guard,
    identity,
    model_runs,
    runtime,
    scope,
    semconv,
    theirs,
    tightening,
    under_way,
    wire,
)
from otelier.prices.arithmetic import Priced
from otelier.protocols import Reply
from otelier.runtime import SCOPE, Runtime, narrowed
from otelier.semconv import Attributes
from otelier.usage import Usage

# By identity: a provider of others' may be of a kind that cannot be hashed.
_installed: WeakValueDictionary[int, Any] = WeakValueDictionary()
# Where content of others' spans may go, where that is less than the settings say.
_less: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
# Others' spans beneath an agent or a workflow.
_beneath: WeakKeyDictionary[Any, _Beneath] = WeakKeyDictionary()
_BAGGAGE: Final = (semconv.SESSION_ID, semconv.USER_ID, semconv.CONVERSATION_ID)


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


class OtelierSpanProcessor:
    """Added to the program's TracerProvider; exports nothing and never raises."""

    # OpenTelemetry SDK 1.33 and later call all processors before any of them sees the end.
    before_end = True
    # What our provider has for its processors, where it calls them one by one and ours first.
    every: Any = None

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Put the session of the context on the span."""
        try:
            if deferred.pending():
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
        try:
            run = runtime.current()
            if run is None:
                return
            made_by = getattr(span, "instrumentation_scope", None)
            if made_by is not None and made_by.name == SCOPE:
                return
            for natives in scope.watching:
                natives.ending(run, span)
            around = _beneath.pop(span, None)
            attributes = span._attributes
            model_runs.noted(attributes, theirs.is_model_call)
            library = None if made_by is None else made_by.name
            # A program without spans of others pays nothing for them.
            from otelier import their_content

            if their_content.is_genai(library, attributes or ()):
                finish(run, span, dict(attributes or {}), library)
                if around is not None and around.alone(library):
                    _sum_up(around, span, library)
            elif attributes and any(name in attributes for name in semconv.OPENINFERENCE_CONTENT):
                added = _redacted(run, span, dict(attributes))
                if added:
                    theirs.write(span, added)
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
        value = baggage.get_baggage(name, held)
        if isinstance(value, str) and name not in (span.attributes or {}):
            span.set_attribute(name, value)


def finish(run: Runtime, span: Any, attributes: dict[str, Any], library: str | None) -> None:
    """A GenAI span that somebody else made: what it lacks on it, what it must not have off it."""
    from otelier import their_content

    added: Attributes = {}
    mode, narrow = run.settings.capture, _less.pop(span, None)
    if narrow is not None:
        mode = tightening.capture(mode, narrow)
    content = their_content.names(library, attributes)
    if not mode.spans:
        their_content.drop(span, content)
        for each in content:
            del attributes[each]
    elif content or getattr(span, "_events", None):
        added = their_content.keep(run.policy, span, library, content, attributes)
        theirs.drop(span._attributes, [each for each in content if each not in attributes])
    added.update(_redacted(run, span, attributes))
    if run.prices is not None and semconv.COST not in attributes and not theirs.decided(span):
        priced = _price(run, attributes)
        if priced is not None:
            cost.put(priced, added, run.settings.cost_aliases)
    if added:
        theirs.write(span, added)


def _redacted(run: Runtime, span: Any, attributes: dict[str, Any]) -> Attributes:
    """Secrets out of a span's events and status; of its attributes those that had one."""
    if not run.settings.redact:
        return {}
    for event in getattr(span, "_events", None) or ():
        held = getattr(event, "_attributes", None)
        found = _clean(run, dict(held)) if held else None
        if found:
            theirs.put(held, found)
    status: Any = getattr(span, "_status", None)
    said = getattr(status, "description", None)
    if isinstance(said, str) and said:
        clean = run.policy.clean(said)
        if clean != said:
            span._status = Status(status.status_code, clean)
    return _clean(run, attributes)


def _clean(run: Runtime, attributes: dict[str, Any]) -> Attributes:
    """The attributes that have a secret, without it."""
    found: Attributes = {}
    for name, value in attributes.items():
        if isinstance(value, str):
            clean: Any = run.policy.named(name, value)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            clean = tuple(run.policy.named(name, each) for each in value)
        else:
            continue
        if clean != value:
            found[name] = clean
    return found


def _price(run: Runtime, attributes: dict[str, Any]) -> Priced | None:
    if attributes.get(semconv.OPERATION_NAME) not in semconv.PRICED or run.prices is None:
        return None
    from otelier import completing

    told = (attributes.get(name) for name in (semconv.PROVIDER_NAME, completing.SYSTEM))
    provider = next((each for each in told if each and each not in completing.OWN_NAMES), None)
    address = attributes.get(semconv.SERVER_ADDRESS)
    if not isinstance(provider, str):
        return None
    host = address if isinstance(address, str) else ""
    # Others' libraries call every host that OpenAI's SDK asks "openai".
    assumed = provider == "openai" and bool(host) and identity.unknowable(host)
    who = identity.Identity(provider, None, None, f"https://{host}" if host else "", assumed)
    return run.prices.price(
        who,
        wire.text(attributes.get(semconv.RESPONSE_MODEL)),
        wire.text(attributes.get(semconv.REQUEST_MODEL)),
        Reply(usage=_usage(attributes)),
    )


def _sum_up(around: _Beneath, span: Any, library: str | None) -> None:
    """Add a model call of others to the sums of the agents and workflows around it."""
    attributes = dict(span._attributes)
    operation = attributes.get(semconv.OPERATION_NAME)
    if operation is None and theirs.is_model_call(attributes):
        operation = semconv.CHAT
    if operation not in semconv.PRICED:
        return
    usage = _usage(attributes)
    told = usage.input is not None or usage.output is not None
    failed = semconv.ERROR_TYPE in attributes or not span.status.is_ok
    if told or not failed:
        cost = wire.number(attributes.get(semconv.COST))
        scope.theirs(around.scope, operation, usage if told else None, cost, library)
        above: _Beneath | None = _beneath.get(around.outer)
        while above is not None and not above.told:
            above.told = True
            above = _beneath.get(above.outer)


def _usage(attributes: dict[str, Any]) -> Usage:
    return Usage(
        input=wire.count(attributes.get(semconv.USAGE_INPUT)),
        output=wire.count(attributes.get(semconv.USAGE_OUTPUT)),
        cache_read=wire.count(attributes.get(semconv.USAGE_CACHE_READ)),
        cache_write=wire.count(
            attributes.get(semconv.USAGE_CACHE_WRITE, attributes.get(semconv.USAGE_CACHE_CREATION))
        ),
    )


def install(run: Runtime) -> None:
    """Add the processor to the TracerProvider, once each; again later if there is none yet."""
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


def _move_first(every: Any) -> None:
    """Processors are told of ends and flushes in order: ours has to come before exporters'."""
    try:
        with every._lock:
            every._span_processors = (every._span_processors[-1], *every._span_processors[:-1])
    except Exception:
        guard.failed("processor.move_first")
