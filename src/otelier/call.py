"""The life of one operation: begin, chunks, end exactly once.

A hook calls :func:`begin` with a route, the request's body and who answers; runs the SDK's own
call inside :meth:`Call.enter` and :meth:`Call.leave`; and hands what comes back to the call. This
module knows OpenTelemetry, no SDK and no wire format.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from time import perf_counter, time_ns
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, get_current_span

import otelier.ready  # noqa: F401 - ends import nothing
from otelier import (
    apart,
    asking,
    background,
    deferred,
    guard,
    leaving,
    model_runs,
    runtime,
    semconv,
    theirs,
    under_way,
    unicode,
)
from otelier import context as ctx
from otelier.billing import answered
from otelier.chunk_times import ChunkTimes
from otelier.following import After
from otelier.identity import Identity, known_headers
from otelier.outcome import Outcome, failure
from otelier.protocols import Reader, Reply, Route, Take, finish, taking
from otelier.runtime import Runtime
from otelier.scope import began, watching
from otelier.semconv import Attributes
from otelier.wire import Wire


def begin(
    route: Route,
    body: Wire,
    identity: Identity,
    *,
    model: str | None = None,
    attributes: Attributes | None = None,
    kind: SpanKind = SpanKind.CLIENT,
    covers: bool = False,
    since: tuple[float, int] | None = None,
) -> Call | None:
    """Begin an operation, or None when it is not to be seen (suppressed, uninstrumented).

    Never raises. ``model`` is for SDKs that have it outside of the body. ``covers``: model calls
    that other SDKs make while this one is entered are this one (LiteLLM over ``openai``).
    ``since``: when it did begin, by ``perf_counter`` and ``time_ns``, if that was not now.
    """
    try:
        run = runtime.current()
        if run is None:
            return None
        if deferred.waiting:
            deferred.drain()
        if run.late is not None:
            run.late()
        parent = model_runs.here(route.operation)
        if ctx.suppressed(parent):
            return None
        outer: Any = parent.get(ctx.CALL)
        if outer is not None and outer.covered(route, parent, identity):
            return None
        call = Call(run, route, body, identity, model, attributes, kind, parent, since)
        call.covers = covers
        return call
    except Exception:
        guard.failed("call.begin")
        return None


class Call:
    """One operation. Made by :func:`begin`; every method is safe to call at any time."""

    __slots__ = (
        "__weakref__",
        "_after",
        "_answer",
        "_attributes",
        "_body",
        "_content",
        "_context",
        "_first_chunk",
        "_foreign",
        "_identity",
        "_open",
        "_outlasted",
        "_reader",
        "_recorder",
        "_recording",
        "_rest",
        "_route",
        "_run",
        "_share",
        "_span",
        "_started",
        "_started_ns",
        "_times",
        "covers",
        "ended",
        "headers",
        "observing",
        "status",
        "unpriced",
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
        since: tuple[float, int] | None,
    ) -> None:
        self._run = run
        self._times = ChunkTimes() if run.settings.chunk_times else None
        self._route = route
        self._body: Wire | None = body
        self._identity = identity
        self._reader: Reader | None = None
        # Whether what comes back is of use at all.
        self.observing = False
        self._first_chunk: float | None = None
        self.headers: Any = None  # Of the response; ids among them are recorded.
        # HTTP status, where no SDK makes an exception of it.
        self.status: int | None = None
        self.covers = False  # See begin().
        # Whether a list of prices came too late for it.
        self.unpriced = False
        # The rest, if anybody wants it, is written at the end.
        self._attributes = attributes = asking.start(route, body, identity, model, extra)
        self._rest: Attributes | None = None
        around = watching or ctx.SCOPE in parent
        self._share = began(parent, route.operation) if around else None
        above = apart.home(parent) if apart.homes else parent
        span = ctx.span_in(above)
        outer: Any = parent.get(ctx.CALL)
        own = span is INVALID_SPAN or (outer is not None and outer._span is span)
        foreign = not own and span.is_recording() and theirs.made_for(route.operation, span)
        if foreign and not apart.belongs(span, run):
            foreign, above = False, apart.above(span, above)
        self._foreign = foreign
        if foreign:
            self._ask(body, model, extra, parent)
            theirs.take(span, self, self._attributes)
            self._context = ctx.with_value(parent, ctx.CALL, self)
        else:
            if route.named_by_model and semconv.REQUEST_MODEL not in attributes:
                # What names the span is to be looked for.
                self._ask(body, model, extra, parent)
                if self._rest and semconv.REQUEST_MODEL in self._rest:
                    attributes[semconv.REQUEST_MODEL] = self._rest.pop(semconv.REQUEST_MODEL)
            name, when = route.name(self._attributes), since and since[1]
            span = run.tracer.start_span(name, above, kind, attributes, start_time=when)
            self._context = ctx.with_span(span, parent, ctx.CALL, self)
        self._span: Span = span
        self._recording = recording = span.is_recording()
        self._recorder = recorder = run.recorder
        self._content = recording and run.takes_content(self._context)
        self._outlasted = False
        self._after: list[After] | None = None
        self._answer: list[Any] = []
        # Whoever takes the one item ends the span; list.pop is atomic.
        held: Any = None
        if recording or recorder is not None:
            if self._rest is None:
                self._ask(body, model, extra, parent)
            self._reader = route.reader(self._content)
            self.observing = True
            if run.prices is not None and route.operation in semconv.PRICED:
                run.prices.warm()
            held = under_way.ref(self, under_way.forget)
            under_way.note(held)
        self._open = [held]
        # Whether the span has ended.
        self.ended = False
        self._started_ns = time_ns() if self._foreign else 0
        self._started = since[0] if since else perf_counter()

    def _ask(
        self, body: Wire, model: str | None, extra: Attributes | None, parent: Context
    ) -> None:
        """Read what a request asks for, beside what the span starts with."""
        start = self._attributes
        self._rest = rest = asking.rest(self._route, body, model, extra, parent, start)
        self._attributes = {**start, **rest}

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
    def span(self) -> Span:
        """The operation's span."""
        return self._span

    @property
    def route(self) -> Route:
        """What the operation is."""
        return self._route

    @property
    def identity(self) -> Identity:
        """Who answers, as far as is known."""
        return self._identity

    @property
    def enriches(self) -> bool:
        """Whether the span is somebody else's, who ends it."""
        return self._foreign

    def begin_chunks(self, first: Any) -> Take:
        """The first chunk is here; what takes it and each that follows, unguarded."""
        reader = self._reader
        if reader is None:
            return lambda event: None  # Nobody looks at it.
        if self._first_chunk is None:
            self._first_chunk = perf_counter()
        take, times = taking(reader, first), self._times
        if times is None:
            return take

        def timed(event: Any) -> None:
            times.note()
            take(event)

        return timed

    def chunk(self, event: Any) -> None:
        """One event of a stream, as the user gets it."""
        reader = self._reader
        if reader is None:
            return
        try:
            if self._first_chunk is None:
                self._first_chunk = perf_counter()
            if self._times is not None:
                self._times.note()
            reader.chunk(event)
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
        if not self.covers or self.ended or get_current_span(parent) is not self._span:
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
        self._attributes[name] = value = unicode.cleaned(value)
        if self._rest:
            self._rest.pop(name, None)
        try:
            self._span.set_attribute(name, value)
        except Exception:
            guard.failed("call.put")

    # --- the end ---------------------------------------------------------------------------

    def then(self, after: After) -> bool:
        """Call ``after`` when this has ended; False where it has already. It must not raise."""
        if self._after is None:
            self._after = []
        self._after.append(after)
        return not self.ended

    def end(self, how: str | None = None, ended: tuple[float, int] | None = None) -> None:
        """All was received (``how`` None), or it was left early; ``ended`` as for ``_finish``."""
        if how is not None and deferred.inside_telemetry():
            # A generator that the garbage collector closes, see abandoned().
            self._defer(how)
            return
        self._finish(None, how, ended)

    def fail(self, error: BaseException) -> None:
        """The SDK raised ``error``, which the user gets unchanged; to leave is no failure."""
        left = leaving.how(error)
        if left is None:
            self._finish(error, None)
        elif left == leaving.CLOSED:
            # Nobody waits any longer: the garbage collector, or a loop that ends, closes it.
            self.abandoned()
        else:
            self.end(left)

    def abandoned(self) -> None:
        """The last reference to a stream is gone, or the program ends before it.

        The garbage collector may run anywhere, also where this thread holds a lock of
        OpenTelemetry's, which ending a span would take again. There the end waits for the next
        span or flush.
        """
        if self.ended:
            return
        try:
            if deferred.inside_telemetry():
                self._defer(leaving.ABANDONED)
            else:
                self._finish(None, leaving.ABANDONED)
        except Exception:
            guard.failed("call.abandoned")

    def outlasted(self, how: str | None = None) -> None:
        """The span that this call enriches ends now; so does a whole answer, or one left."""
        reader = self._reader
        if self.ended or reader is None:
            return
        reasons = reader.reply(True).finish_reasons
        if how or (reasons and all(reasons) and reasons != [finish.ERROR]):
            self._outlasted = True
            self._finish(None, how)

    def _defer(self, how: str) -> None:
        """End as of now, but later."""
        ended = perf_counter() - self._started, time_ns()
        deferred.defer(lambda: self._finish(None, how, ended))

    def _finish(
        self,
        error: BaseException | None,
        how: str | None,
        ended: tuple[float, int] | None = None,
    ) -> None:
        """Once. ``ended``: after how many seconds, and when, if that was not now."""
        try:
            held = self._open.pop()
        except IndexError:
            return
        if held is None and self._share is None and self._after is None and not self._foreign:
            self.ended = True  # Nobody wants to know more.
            self._close(None)
            return
        under_way.forget(held)
        # What follows is ours, not the operation's.
        seconds, now = ended or (perf_counter() - self._started, time_ns())
        self.ended = True
        handed_over = False
        try:
            if self._reader is not None:
                handed_over = self._record(self._reader, error, how, seconds, now)
        except Exception:
            guard.failed("call.finish")
            self._tell_rest()
        finally:
            if self._share is not None:
                self._share.end()
            if not handed_over:
                self._close(now)
            for after in self._after or ():
                after(error, how, self._answer, now)

    def _tell_rest(self) -> None:
        """What was asked for is known, whatever came of it."""
        try:
            if self._rest and not self._foreign:
                self._span.set_attributes(self._rest)
        except Exception:
            guard.failed("call.rest")

    def _close(self, now: int | None) -> None:
        # The context holds the call: nothing of ours waits for the garbage collector.
        self._context = ctx.NOWHERE
        self._body = None
        self._reader = None
        self.observing = False
        self.headers = None
        if not self._foreign:
            try:
                self._span.end(now)
            except Exception:
                guard.failed("call.span.end")

    def _record(
        self,
        reader: Reader,
        error: BaseException | None,
        how: str | None,
        seconds: float,
        now: int,
    ) -> bool:
        """Write all that is known; whether the rest, and the span's end, waits for the prices."""
        run = self._run
        first = None
        if self._first_chunk is not None and self._route.operation in semconv.INFERENCE:
            first = self._first_chunk - self._started
        complete = error is None and how is None
        reply = reader.reply(complete)
        # Looked through once.
        headers = known_headers(self.headers)
        gone = self._foreign and not self._outlasted and not self._span.is_recording()
        if gone and self._recording and not theirs.over(self._span, how, reply.usage):
            self._own()
        elif gone:
            self._recording = False
        if reply.model is not None:
            reply.model = unicode.clean(reply.model)
        self._answered(reply, headers, complete)
        streamed = self._first_chunk is not None
        said = failure(error, self.status, reply, streamed, self._route.operation)
        if said is not None:
            said = unicode.clean(said)
        body: Wire = self._body or {}
        route, asked, who, held = self._route, self._attributes, self._identity, self._context
        self._context = background.narrowed(route, asked, who, held) if route.fetches else held
        counts = background.account(route, asked, body, who, reply, streamed, self._context)
        times = self._times.seconds if self._times is not None else ()
        outcome = Outcome(
            run, route, self._attributes, self._rest or {}, body, self._identity, headers, reply,
            counts, said, error, how, seconds, first, times, self._span, self._foreign,
            self._recording, self._content, self._context, self._recorder, self._share,
        )  # fmt: skip
        prices = run.prices
        # Before the price, for the list may come in between, and after it, which may build it.
        waits = prices is not None and prices.building
        priced = outcome.price()
        waits = waits or (prices is not None and prices.building)
        if self._foreign:
            self.unpriced, waits = waits and priced is None, False
        if self._share is not None:
            early = reply.partial and (how is not None or streamed)
            self._share.tell(self._route, reply, outcome.counted, priced, said, error, early)
        if self._recording:
            outcome.write(priced)
        self._answer = outcome.answer
        if waits and priced is None and outcome.counted is not None and prices is not None:
            if not prices.later(lambda: self._late(now, outcome)):
                self._late(now, outcome)
            return True
        outcome.tell(priced)
        return False

    def _late(self, now: int, outcome: Outcome) -> None:
        """The prices are there, for a call that ended at ``now`` before they were."""
        try:
            outcome.late()
        except Exception:
            guard.failed("call.late")
        finally:
            self._close(now)

    def _answered(self, reply: Reply, headers: Mapping[str, str], complete: bool) -> None:
        streamed = self._first_chunk is not None or semconv.REQUEST_STREAM in self._attributes
        known = self._identity
        who = answered(reply, headers, known, complete, streamed)
        if who is not known and not self._foreign:
            self.answered_by(who)
        elif who is not known and self._recording:
            theirs.correct(self._span, self._attributes, known.provider, who.provider)
            self._identity = who

    def _own(self) -> None:
        """The span that was to be enriched has ended before the stream: make one beside it."""
        start, asked, when = self._run.tracer.start_span, self._attributes, self._started_ns
        name = self._route.name(asked)
        self._span = start(name, self._context, SpanKind.CLIENT, asked, start_time=when)
        self._foreign = False
        self._recording = self._span.is_recording()
