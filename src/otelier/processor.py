"""The span processor: session and user on every span; cost and redaction on others' GenAI spans."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakSet

from opentelemetry import baggage, trace
from opentelemetry.context import Context

from otelier import context, cost, deferred, guard, identity, runtime, semconv, wire
from otelier.protocols import Reply
from otelier.runtime import SCOPE, Runtime
from otelier.semconv import Attributes
from otelier.usage import Usage

_installed: WeakSet[Any] = WeakSet()
_BAGGAGE: Final = (semconv.SESSION_ID, semconv.USER_ID, semconv.CONVERSATION_ID)
# What shows that somebody else's span is a GenAI one.
_GENAI: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.", "input.value", "output.value")


class OtelierSpanProcessor:
    """Added to the program's TracerProvider; exports nothing and never raises."""

    # OpenTelemetry SDK 1.33 and later call all processors before any of them sees the end.
    before_end = True

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Put the session of the context on the span."""
        try:
            if deferred.pending():
                deferred.drain()
            held = parent_context if parent_context is not None else context.current()
            session = held.get(context.SESSION)
            if session is not None:
                _put(span, session)
            run = runtime.current()
            if run is not None and run.settings.baggage:
                _from_baggage(span, held)
        except Exception:
            guard.failed("processor.on_start")

    def _on_ending(self, span: Any) -> None:
        """Finish others' GenAI spans before any exporter sees them."""
        self._finish(span)

    def on_end(self, span: Any) -> None:
        """The same, where the SDK has no earlier call."""
        if not self.before_end:
            self._finish(span)

    def _finish(self, span: Any) -> None:
        try:
            run = runtime.current()
            if run is None:
                return
            scope = getattr(span, "instrumentation_scope", None)
            if scope is not None and scope.name == SCOPE:
                return
            attributes = span._attributes
            if attributes and any(name.startswith(_GENAI) for name in attributes):
                finish(run, span, dict(attributes))
        except Exception:
            guard.failed("processor.on_ending")

    def shutdown(self) -> None:
        """End what waits to be ended."""
        self.force_flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """End what waits to be ended."""
        try:
            deferred.drain()
        except Exception:
            guard.failed("processor.flush")
        return True


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


def finish(run: Runtime, span: Any, attributes: dict[str, Any]) -> None:
    """Cost on, and secrets out of, a GenAI span that somebody else made."""
    added: Attributes = {}
    if run.settings.redact:
        for name, value in attributes.items():
            if isinstance(value, str):
                clean = run.policy.clean(value)
                if clean != value:
                    added[name] = clean
    if run.prices is not None and semconv.COST not in attributes:
        priced = _price(run, attributes)
        if priced is not None:
            cost.put(priced, added, run.settings.cost_aliases)
    if added:
        _write(span, added)


def _write(span: Any, added: Attributes) -> None:
    """Write to a span that is ending: it takes no more by its own methods, but is not out yet."""
    held = span._attributes
    held._immutable = False
    try:
        for name, value in added.items():
            held[name] = value
    finally:
        held._immutable = True


def _price(run: Runtime, attributes: dict[str, Any]) -> cost.Priced | None:
    if attributes.get(semconv.OPERATION_NAME) not in semconv.PRICED or run.prices is None:
        return None
    usage = Usage(
        input=wire.count(attributes.get(semconv.USAGE_INPUT)),
        output=wire.count(attributes.get(semconv.USAGE_OUTPUT)),
        cache_read=wire.count(attributes.get(semconv.USAGE_CACHE_READ)),
        cache_write=wire.count(
            attributes.get(semconv.USAGE_CACHE_WRITE, attributes.get(semconv.USAGE_CACHE_CREATION))
        ),
    )
    provider = attributes.get(semconv.PROVIDER_NAME) or attributes.get("gen_ai.system")
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
        Reply(usage=usage),
    )


def install(run: Runtime) -> None:
    """Add the processor to the TracerProvider, once each; again later if there is none yet."""
    provider = run.tracer_provider or trace.get_tracer_provider()
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        run.late = lambda: install(run)
        return
    run.late = None
    if provider not in _installed:
        _installed.add(provider)
        ours = OtelierSpanProcessor()
        add(ours)
        every = getattr(provider, "_active_span_processor", None)
        if not hasattr(every, "_on_ending"):
            ours.before_end = False
            _move_first(every)


def _move_first(every: Any) -> None:
    """Exporters' processors see a span's end in order: ours has to come before them."""
    try:
        with every._lock:
            every._span_processors = (every._span_processors[-1], *every._span_processors[:-1])
    except Exception:
        guard.failed("processor.move_first")
