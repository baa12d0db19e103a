"""The life of one operation: begin, chunks, end exactly once.

A hook calls :func:`begin` with a route, the request's body and who answers; runs the SDK's own
call inside :meth:`Call.enter` and :meth:`Call.leave`; and hands what comes back to the call. This
module knows OpenTelemetry, no SDK and no wire format.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from time import perf_counter, time_ns
from typing import Any, Final
from weakref import WeakSet

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span

from otelier import context as ctx
from otelier import cost, deferred, errors, guard, identity, runtime, semconv, usage, wire
from otelier.billing import answered
from otelier.identity import Identity
from otelier.metrics import measures
from otelier.protocols import Content, Reader, Reply, Route
from otelier.runtime import Runtime
from otelier.semconv import Attributes
from otelier.wire import Wire

# One model call by other names: what counts as the same operation when spans are compared.
_SAME: Final = {semconv.GENERATE_CONTENT: semconv.CHAT, semconv.TEXT_COMPLETION: semconv.CHAT}
_NO_CONTEXT: Final = Context()
_MAX_CHUNK_TIMES: Final = 100_000

# Spans of others that already carry one of our calls.
_enriched: WeakSet[Any] = WeakSet()


def begin(
    route: Route,
    body: Wire,
    identity: Identity,
    *,
    model: str | None = None,
    attributes: Attributes | None = None,
    kind: SpanKind = SpanKind.CLIENT,
    covers: bool = False,
) -> Call | None:
    """Begin an operation, or None when it is not to be seen (suppressed, uninstrumented).

    Never raises. ``model`` is for SDKs that have it outside of the body. ``covers``: model calls
    that other SDKs make while this one is entered are this one (LiteLLM over ``openai``).
    """
    try:
        run = runtime.current()
        if run is None:
            return None
        if deferred.pending():
            deferred.drain()
        if run.late is not None:
            run.late()
        parent = ctx.current()
        if ctx.suppressed(parent):
            return None
        outer: Any = parent.get(ctx.CALL)
        if outer is not None and outer.covered(route, parent, identity):
            return None
        call = Call(run, route, body, identity, model, attributes, kind, parent)
        call.covers = covers
        return call
    except Exception:
        guard.failed("call.begin")
        return None


class Call:
    """One operation. Made by :func:`begin`; every method is safe to call at any time."""

    __slots__ = (
        "_attributes",
        "_body",
        "_chunk_times",
        "_content",
        "_context",
        "_ended",
        "_first_chunk",
        "_foreign",
        "_identity",
        "_last_chunk",
        "_open",
        "_reader",
        "_recorder",
        "_recording",
        "_route",
        "_run",
        "_span",
        "_started",
        "_started_ns",
        "_timing",
        "covers",
        "headers",
        "status",
    )

    def __init__(
        self,
        run: Runtime,
        route: Route,
        body: Wire,
        identity: Identity,
        model: str | None,
        extra: Attributes | None,
        kind: SpanKind,
        parent: Context,
    ) -> None:
        self._run = run
        self._timing = run.settings.chunk_times
        self._route = route
        self._body: Wire | None = body
        self._identity = identity
        self._reader: Reader | None = None
        self._first_chunk: float | None = None
        self._last_chunk = 0.0
        self._chunk_times: list[float] = []
        # Response headers; ids among them are recorded.
        self.headers: Any = None
        # HTTP status, where no SDK makes an exception of it.
        self.status: int | None = None
        # Whether calls that other SDKs make beneath are this one.
        self.covers = False
        attributes: Attributes = {
            semconv.OPERATION_NAME: route.operation,
            semconv.PROVIDER_NAME: identity.provider,
        }
        attributes.update(route.request(body))
        if route.attributes:
            attributes.update(route.attributes)
        if model:
            attributes.setdefault(semconv.REQUEST_MODEL, model)
        if extra:
            attributes.update(extra)
        if identity.address:
            attributes[semconv.SERVER_ADDRESS] = identity.address
            if identity.port:
                attributes[semconv.SERVER_PORT] = identity.port
        agent: Any = parent.get(ctx.AGENT)
        if agent is not None and route.operation in semconv.INFERENCE:
            agent.inference_calls += 1
        self._attributes = attributes
        self._foreign = route.operation in semconv.PRICED and _made_for_this(route, parent)
        if self._foreign:
            span = get_current_span(parent)
            _enriched.add(span)
        else:
            span = run.tracer.start_span(_name(route, attributes), parent, kind, attributes)
        self._span: Span = span
        self._context = (
            ctx.with_value(parent, ctx.CALL, self)
            if self._foreign
            else ctx.with_span(span, parent, ctx.CALL, self)
        )
        self._recording = span.is_recording()
        self._recorder = run.recorder
        settings = run.settings
        self._content = self._recording and (settings.capture.spans or run.details)
        if self._recording or self._recorder is not None:
            self._reader = route.reader(self._content)
            if run.prices is not None and route.operation in semconv.PRICED:
                run.prices.warm()
        # Whoever takes the one item ends the span; list.pop is atomic.
        self._open = [True]
        self._ended = False
        self._started_ns = time_ns() if self._foreign else 0
        self._started = perf_counter()

    # --- around the SDK's own call ---------------------------------------------------------

    def enter(self) -> Token[Context] | None:
        """Make the span current while the SDK's own call runs."""
        try:
            return ctx.attach(self._context)
        except Exception:
            guard.failed("call.enter")
            return None

    def leave(self, token: Token[Context] | None) -> None:
        """The SDK's own call has returned or raised."""
        if token is not None:
            ctx.detach(token)

    # --- what comes back -------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the span has ended."""
        return self._ended

    @property
    def span(self) -> Span:
        """The operation's span."""
        return self._span

    @property
    def identity(self) -> Identity:
        """Who answers, as far as is known."""
        return self._identity

    @property
    def enriches(self) -> bool:
        """Whether the span is somebody else's, who ends it."""
        return self._foreign

    @property
    def observing(self) -> bool:
        """Whether what comes back is of use at all."""
        return self._reader is not None

    def begin_chunks(self) -> Callable[[Any], None]:
        """The first chunk is here; the function that takes it and each that follows, unguarded."""
        reader = self._reader
        if reader is None:
            return _nothing
        if self._first_chunk is None:
            self._first_chunk = perf_counter()
        return self._timed if self._timing else reader.chunk

    def _timed(self, event: Any) -> None:
        now = perf_counter()
        if self._last_chunk and len(self._chunk_times) < _MAX_CHUNK_TIMES:
            self._chunk_times.append(now - self._last_chunk)
        self._last_chunk = now
        if self._reader is not None:
            self._reader.chunk(event)

    def chunk(self, event: Any) -> None:
        """One event of a stream, as the user gets it."""
        try:
            if self._first_chunk is None or self._timing:
                self.begin_chunks()(event)
            elif self._reader is not None:
                self._reader.chunk(event)
        except Exception:
            guard.failed("call.chunk")

    def whole(self, body: Any) -> None:
        """The body of an answer that is not streamed."""
        try:
            if self._reader is not None:
                self._reader.whole(body)
        except Exception:
            guard.failed("call.whole")

    def covered(self, route: Route, parent: Context, reached: Identity) -> bool:
        """Whether a call that begins in ``parent`` is this one, made by an SDK beneath."""
        if not self.covers or self._ended or get_current_span(parent) is not self._span:
            return False
        mine = self._route.operation
        if route.operation != mine and not {route.operation, mine} <= semconv.INFERENCE:
            return False
        if self._identity.address is None:
            self.answered_by(Identity(self._identity.provider, reached.address, reached.port, ""))
        return True

    def answered_by(self, identity: Identity) -> None:
        """Who answers, where that shows only after the call has begun."""
        self._identity = identity
        self.put(semconv.PROVIDER_NAME, identity.provider)
        if identity.address:
            self.put(semconv.SERVER_ADDRESS, identity.address)
            if identity.port:
                self.put(semconv.SERVER_PORT, identity.port)

    def put(self, name: str, value: semconv.Value) -> None:
        """One more attribute of the span."""
        self._attributes[name] = value
        try:
            self._span.set_attribute(name, value)
        except Exception:
            guard.failed("call.put")

    # --- the end ---------------------------------------------------------------------------

    def end(self, how: str | None = None) -> None:
        """All was received (``how`` is None), or the user left the stream early (``how``)."""
        if how is not None and deferred.inside_telemetry():
            # A generator that the garbage collector closes, see abandoned().
            deferred.defer(lambda: self._finish(None, how))
            return
        self._finish(None, how)

    def fail(self, error: BaseException) -> None:
        """The SDK raised ``error``, which the user gets unchanged."""
        if isinstance(error, GeneratorExit):
            # Nobody waits any longer: the garbage collector, or a loop that ends, closes it.
            self.abandoned()
            return
        self._finish(error, None)

    def abandoned(self) -> None:
        """The last reference to a stream is gone.

        The garbage collector may run anywhere, also where this thread holds a lock of
        OpenTelemetry's, which ending a span would take again. There the end waits for the next
        span or flush.
        """
        if self._ended:
            return
        try:
            if deferred.inside_telemetry():
                deferred.defer(lambda: self._finish(None, "abandoned"))
            else:
                self._finish(None, "abandoned")
        except Exception:
            guard.failed("call.abandoned")

    def _finish(self, error: BaseException | None, how: str | None) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        # What follows is ours, not the operation's.
        seconds, now = perf_counter() - self._started, time_ns()
        self._ended = True
        try:
            self._record(error, how, seconds)
        except Exception:
            guard.failed("call.finish")
        finally:
            # The context holds the call: nothing of ours waits for the garbage collector.
            self._context = _NO_CONTEXT
            self._body = None
            self._reader = None
            self.headers = None
            if not self._foreign:
                try:
                    self._span.end(now)
                except Exception:
                    guard.failed("call.span.end")

    def _record(self, error: BaseException | None, how: str | None, seconds: float) -> None:
        reader = self._reader
        if reader is None:
            # Nobody looks; a failure still shows where a processor keeps unsampled spans.
            return
        run = self._run
        if self._foreign and self._recording and not self._span.is_recording():
            self._own()
        first = None
        if self._first_chunk is not None and self._route.operation in semconv.INFERENCE:
            first = self._first_chunk - self._started
        reply = reader.reply(error is None and how is None)
        self._answered(reply, error is None and how is None)
        said = self._error(error, reply)
        asked = wire.text(self._attributes.get(semconv.REQUEST_MODEL))
        counted = reply.usage if self._route.counts_usage else None
        priced = None
        known = counted is not None or (reply.cost is not None and self._route.counts_usage)
        if known and run.prices is not None:
            if reply.parts:
                priced = run.prices.price_sum(self._identity, reply.parts)
            elif self._route.operation in semconv.PRICED:
                priced = run.prices.price(self._identity, reply.model, asked, reply)
        if self._recording:
            self._write(reply, counted, priced, said, error, how, first)
        recorder = self._recorder
        if recorder is not None and not (self._foreign and measures(self._span)):
            metered = self._route.metered
            try:
                recorder.operation(
                    self._attributes,
                    reply.model,
                    said,
                    seconds,
                    counted if metered else None,
                    priced.total if priced is not None and metered else None,
                    first,
                    self._chunk_times,
                    self._context,
                )
            except Exception:
                guard.failed("call.metrics")

    def _answered(self, reply: Reply, complete: bool) -> None:
        streamed = self._first_chunk is not None or semconv.REQUEST_STREAM in self._attributes
        who = answered(reply, self.headers, self._identity, complete, streamed)
        if who is not self._identity and not self._foreign:
            self.answered_by(who)

    def _own(self) -> None:
        """The span that was to be enriched has ended before the stream: make one beside it."""
        route, attributes = self._route, self._attributes
        self._span = self._run.tracer.start_span(
            _name(route, attributes),
            self._context,
            SpanKind.CLIENT,
            attributes,
            start_time=self._started_ns,
        )
        self._foreign = False
        self._recording = self._span.is_recording()

    def _error(self, error: BaseException | None, reply: Reply) -> str | None:
        if error is None:
            status = self.status
            if status is None or status < 400:
                return reply.error
            reply.attributes[semconv.HTTP_STATUS] = status
            if reply.error:
                reply.attributes[semconv.PROVIDER_ERROR_CODE] = reply.error
            return str(status)
        if self._first_chunk is not None and not reply.finish_reasons:
            reply.finish_reasons = ["error"]
        return errors.kind(error)

    def _write(
        self,
        reply: Reply,
        counted: usage.Usage | None,
        priced: cost.Priced | None,
        said: str | None,
        error: BaseException | None,
        how: str | None,
        first: float | None,
    ) -> None:
        run = self._run
        settings = run.settings
        late = reply.attributes
        if reply.model:
            late[semconv.RESPONSE_MODEL] = reply.model
        if reply.finish_reasons:
            late[semconv.RESPONSE_FINISH_REASONS] = reply.finish_reasons
        if first is not None:
            late[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = first
        if counted is not None:
            usage.put(counted, late, settings.generation)
        if priced is not None:
            cost.put(priced, late, settings.cost_aliases)
        identity.put_headers(self.headers, late)
        if how is not None:
            late[semconv.STREAM_END] = how
        if said is not None:
            late[semconv.ERROR_TYPE] = said
            errors.put(error, late)
        held: Attributes = {}
        if self._content:
            self._render(reply, held)
        spans = {**late, **held} if settings.capture.spans else late
        span = self._span
        if self._foreign:
            present = getattr(span, "attributes", None) or {}
            spans = {name: value for name, value in spans.items() if name not in present}
        span.set_attributes(spans)
        if said is not None and not self._foreign:
            message = run.policy.message(error if error is not None else reply.error_message)
            span.set_status(Status(StatusCode.ERROR, message or None))
        if run.details and self._route.operation in semconv.INFERENCE:
            kept = held if settings.capture.events else {}
            run.events.details({**self._attributes, **late}, kept, self._outside())
        if error is not None and not self._foreign:
            run.events.exception(error, errors.kind(error), run.policy, self._outside())

    def _outside(self) -> Context:
        # Log records keep their context until they are exported; it must not keep the call.
        return ctx.with_value(self._context, ctx.CALL, None)

    def _render(self, reply: Reply, held: Attributes) -> None:
        try:
            asked = self._route.content(self._body or {})
        except Exception:
            guard.failed("call.content")
            asked = Content()
        try:
            said = reply.output(self._run.settings.generation.released)
            system = asked.system or reply.system
            self._run.policy.render(asked.messages, said, system, asked.tools, held)
            if asked.query:
                self._run.policy.text(semconv.RETRIEVAL_QUERY, asked.query, held)
            if reply.documents:
                self._run.policy.value(semconv.RETRIEVAL_DOCUMENTS, reply.documents, held)
        except Exception:
            guard.failed("call.render")


def _name(route: Route, attributes: Attributes) -> str:
    asked = attributes.get(route.named_by) if route.named_by_model else None
    return f"{route.operation} {asked}" if asked else route.operation


def _nothing(event: Any) -> None:
    """Takes chunks that nobody looks at."""


def _made_for_this(route: Route, parent: Context) -> bool:
    """Whether somebody else's span for this very call is current: then theirs is enriched."""
    span = get_current_span(parent)
    if not span.is_recording():
        return False
    open_call: Any = parent.get(ctx.CALL)
    if open_call is not None and open_call._span is span:
        return False
    present = getattr(span, "attributes", None)
    if not present:
        return False
    operation = present.get(semconv.OPERATION_NAME)
    if operation is None and present.get("openinference.span.kind") == "LLM":
        operation = semconv.CHAT
    return (
        _SAME.get(operation, operation) == _SAME.get(route.operation, route.operation)
        and span not in _enriched
    )
