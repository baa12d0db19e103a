"""What a call was when it was over, and the writing of it: span, events, metrics.

Made by :class:`otelier.call.Call` when it ends. All but the price is written at once; the price,
and what comes after it, may wait for a list that a thread is building.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from otelier import context as ctx
from otelier import (
    cost,
    errors,
    following,
    guard,
    identity,
    prompts,
    semconv,
    theirs,
    unicode,
    usage,
)
from otelier.background import Begun
from otelier.content import Policy
from otelier.identity import Identity
from otelier.metrics import Recorder
from otelier.prices.arithmetic import Priced
from otelier.protocols import Reply, Route, finish
from otelier.rendering import render
from otelier.runtime import Runtime
from otelier.scope import Share
from otelier.semconv import Attributes
from otelier.wire import Wire


def failure(
    error: BaseException | None, status: int | None, reply: Reply, begun: bool, operation: str
) -> str | None:
    """The kind of failure that a call was, if it was one; ``reply`` is told what goes with it.

    ``error`` is what the SDK raised, ``status`` HTTP's where it makes no exception of it, ``begun``
    whether a stream had.
    """
    said = reply.error
    if error is not None:
        said = errors.kind(error)
    elif status is not None and status >= 400:
        reply.attributes[semconv.HTTP_STATUS] = status
        if said:
            reply.attributes[semconv.PROVIDER_ERROR_CODE] = said
        said = str(status)
    said, reply.finish_reasons = finish.settle(reply.finish_reasons, said, begun, operation)
    return said


@dataclass(slots=True, eq=False, repr=False)
class Outcome:
    """A finished call."""

    run: Runtime
    route: Route
    # Attributes and body of the request, and those of the attributes that are not written yet.
    asked: Attributes
    rest: Attributes
    body: Wire
    who: Identity
    headers: Mapping[str, str]
    reply: Reply
    # What its tokens count for; None where they count at another call.
    counts: Begun | None
    # The kind of error, and the exception if there was one.
    said: str | None
    error: BaseException | None
    # How a stream was left early.
    how: str | None
    seconds: float
    # Seconds to the first chunk, and between the others.
    first: float | None
    chunk_times: Sequence[float]
    span: Span
    # Whether the span is somebody else's, records, and takes content.
    foreign: bool
    recording: bool
    content: bool
    context: Context
    recorder: Recorder | None
    share: Share | None
    held: Attributes = field(default_factory=dict)
    # What it was made by.
    under: Policy | None = None
    # The messages of the answer, once they are rendered.
    answer: list[Any] = field(default_factory=list)

    @property
    def counted(self) -> usage.Usage | None:
        """The usage, where it counts here."""
        return self.reply.usage if self.counts is not None else None

    def price(self) -> Priced | None:
        """What it cost, as far as that is known now."""
        prices, counts, reply = self.run.prices, self.counts, self.reply
        if counts is None or prices is None:
            return None
        if reply.parts:
            return prices.price_sum(self.who, reply.model, counts.model, reply.parts)
        if counts.operation not in semconv.PRICED:
            return None
        return prices.price(self.who, reply.model, counts.model, reply)

    def write(self, priced: Priced | None) -> None:
        """The attributes and the status of the span."""
        run, reply, settings = self.run, self.reply, self.run.settings
        late = reply.attributes
        if reply.model:
            late[semconv.RESPONSE_MODEL] = reply.model
        if reply.finish_reasons:
            late[semconv.RESPONSE_FINISH_REASONS] = [each for each in reply.finish_reasons if each]
        if self.first is not None:
            late[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = self.first
        counted = self.counted
        if counted is not None:
            usage.put(counted, late, settings.generation)
        if priced is not None:
            cost.put(priced, late, settings.cost_aliases)
        identity.put_known(self.headers, late)
        if self.how is not None:
            late[semconv.STREAM_END] = self.how
        if self.said is not None:
            late[semconv.ERROR_TYPE] = self.said
            errors.put(self.error, late)
        late = reply.attributes = unicode.attributes(late)
        if semconv.RESPONSE_ID in late:
            following.answer(late[semconv.RESPONSE_ID], self.span, self.route.fetches)
        self.under = run.policy
        takes = run.captures(self.context)
        shown = takes.spans
        # Rendering uploads, too: not what is not allowed any more.
        if self.content and (shown or (takes.events and run.details)):
            # Agents around have messages on their spans.
            share = self.share if shown else None
            answer = render(run, self.route, self.body, reply, share, self.held)
            self.answer = answer if shown else []
            if not self.foreign and self.context.get(ctx.PROMPT) is not None:
                prompts.fill(self.context, self.asked, run.policy, self.held)
            self._keep_to()
        spans = {**self.rest, **late, **self.held} if shown else {**self.rest, **late}
        span = self.span
        if settings.openinference:
            from otelier.openinference import also

            seen = getattr(span, "attributes", None) or {}
            spans = {**spans, **also({**seen, **spans})}
        if self.foreign:
            from otelier import completing

            present = getattr(span, "attributes", None) or {}
            spans = completing.lacking(present, {**self.asked, **spans})
            ours = {name: spans.pop(name) for name in self.held if name in spans}
            theirs.write(span, spans)
            theirs.put_content(span, ours)
            return
        span.set_attributes(spans)
        if self.said is not None:
            problem = self.error if self.error is not None else reply.error_message
            message = run.policy.message(problem)
            span.set_status(Status(StatusCode.ERROR, message or None))

    def late(self) -> None:
        """The prices are there now; the rest of it."""
        if not self._keep_to() and self.recording:
            theirs.withdraw(self.span)
        priced = self.price()
        if priced is not None and self.recording:
            found: Attributes = {}
            cost.put(priced, found, self.run.settings.cost_aliases)
            self.span.set_attributes(found)
            self.reply.attributes.update(found)
        self.tell(priced)

    def tell(self, priced: Priced | None) -> None:
        """The events and the metrics."""
        run, route, reply = self.run, self.route, self.reply
        if self.recording:
            if run.details and route.operation in semconv.INFERENCE:
                self._keep_to()
                kept = self.held if run.captures(self.context).events else {}
                run.events.details({**self.asked, **reply.attributes}, kept, self._outside())
            if self.error is not None and not self.foreign:
                kind = errors.kind(self.error)
                run.events.exception(self.error, kind, run.policy, self._outside())
        if self.recorder is None:
            return
        try:
            self.recorder.operation(
                self.asked,
                reply,
                self.said,
                self.seconds,
                self.counts if route.metered else None,
                priced if route.metered else None,
                self.first,
                self.chunk_times,
                self.context,
                self.foreign and theirs.measures(self.span),
            )
        except Exception:
            guard.failed("call.metrics")

    def _keep_to(self) -> bool:
        """Whether the policy is still what the content was made by; else there is none of it."""
        if self.run.policy is self.under:
            return True
        self.held = {}
        return False

    def _outside(self) -> Context:
        # Log records keep their context until they are exported; it must not keep the call.
        return ctx.with_value(self.context, ctx.CALL, None)
