"""Evaluations and the current span: what a program adds to its traces by hand."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, Span, SpanContext, TraceFlags

from otelier import context as ctx
from otelier import following, guard, runtime, semconv, settings, values, wire
from otelier.runtime import Runtime
from otelier.semconv import Attributes

# Hexadecimal digits of the ids.
_TRACE: Final = 32
_SPAN: Final = 16
_NO_LOGS: Final = (
    "record_evaluation() finds no LoggerProvider: evaluations are not recorded; "
    "otelier.instrument() sets one up where the program has no OpenTelemetry of its own"
)
_NO_IDS: Final = (
    "record_evaluation() takes trace_id and span_id together, as the 32 and 16 hexadecimal digits "
    "that backends show, or as numbers; an evaluation with others is left out, or belongs to its "
    "response_id"
)


def record_evaluation(
    name: str,
    *,
    score: float | None = None,
    label: str | None = None,
    explanation: str | None = None,
    response_id: str | None = None,
    span: Span | None = None,
    trace_id: str | int | None = None,
    span_id: str | int | None = None,
) -> None:
    """Record an evaluation's result as the event ``gen_ai.evaluation.result``.

    ``score`` is the evaluator's number, ``label`` its verdict of few values. The event belongs to
    ``span``, or to the one that ``trace_id`` and ``span_id`` name (hexadecimal, as backends show
    them), also if another process made it, and long ago. ``response_id`` names the answer: if one
    of the last thousand of this process, its span is known by it; of another process', a backend
    finds the call by the id. Without any of these, it is the current span's.

    Needs a LoggerProvider, and not that otelier instruments this process. Never raises.
    """
    try:
        run = _running()
        if run is None:
            return
        if run.events.silent:
            if not settings.sdk_off():
                guard.say_once("evaluations", _NO_LOGS)
            return
        held = ctx.current()
        if span is None and not (trace_id is None and span_id is None):
            span = _named(trace_id, span_id)
            if span is None:
                guard.say_once("evaluation", _NO_IDS)
                if response_id is None:
                    return
        attributes: Attributes = {semconv.EVALUATION_NAME: values.words(name)}
        # Whether it passed, say.
        number = float(score) if type(score) is bool else wire.measure(score)
        if number is not None:
            attributes[semconv.EVALUATION_SCORE] = number
        if label is not None:
            attributes[semconv.EVALUATION_LABEL] = values.words(label)
        takes = run.captures(runtime.here())
        if explanation is not None and (takes.spans or takes.events):
            attributes[semconv.EVALUATION_EXPLANATION] = run.policy.explanation(
                values.words(explanation)
            )
        if response_id is not None:
            attributes[semconv.RESPONSE_ID] = told = values.words(response_id)
            if span is None:
                # Not the current one's: that is of who evaluates.
                known = following.address(told)
                span = INVALID_SPAN if known is None else NonRecordingSpan(known)
        if span is not None:
            held = ctx.with_span(span, held)
        run.events.emit(semconv.EVENT_EVALUATION, attributes, None, held)
    except Exception:
        guard.failed("evaluation")


def span_of(result: object) -> Span | None:
    """The span of the model call that gave ``result``, or None where that is not known.

    ``result`` is what an SDK gave: a stream, an answer, a raw response; or what a framework made of
    it, if that carries the answer's id: a message, the result of a run (then the last call's), a
    state. Known are streams while they run, and the last thousand answers of this process.

    Of a stream that runs the span takes attributes: ``span_of(stream).set_attribute(…)``. Of what
    is over it is its address alone: ``span_of(answer).get_span_context()``, to be linked to, or
    ``record_evaluation(…, span=span_of(answer), response_id=answer.id)``: the id, too, for where
    the span is not known an evaluation without it would be the current span's.
    """
    try:
        from otelier import answered  # Few programs need it.

        return answered.span(result)
    except Exception:
        guard.failed("span_of")
        return None


_alone: Runtime | None = None


def _running() -> Runtime | None:
    """The running otelier; where there never was one, what the environment says of content."""
    global _alone
    run = runtime.current()
    if run is not None or runtime.began():
        return run
    if _alone is None:
        _alone = Runtime(settings.load(cost=False))
    return _alone


def _named(trace_id: Any, span_id: Any) -> Span | None:
    """What stands for a span by its ids; None where they are none."""
    trace, span = _number(trace_id, _TRACE), _number(span_id, _SPAN)
    if trace is None or span is None:
        return None
    # What a backend shows has been sampled.
    return NonRecordingSpan(SpanContext(trace, span, True, TraceFlags(TraceFlags.SAMPLED)))


def _number(told: Any, digits: int) -> int | None:
    if issubclass(type(told), str):
        text = str.__str__(told).strip()
        # Some backends leave out zeros at the beginning.
        if not 0 < len(text) <= digits or not text.isalnum() or not text.isascii():
            return None
        try:
            told = int(text, 16)
        except ValueError:
            return None
    if type(told) is not int or not 0 < told < 16**digits:
        return None
    return told
