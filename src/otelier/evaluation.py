"""Evaluations and the current span: what a program adds to its traces by hand."""

from __future__ import annotations

from opentelemetry.trace import Span

from otelier import context as ctx
from otelier import guard, runtime, semconv, values, wire
from otelier.call import Call
from otelier.semconv import Attributes


def record_evaluation(
    name: str,
    *,
    score: float | None = None,
    label: str | None = None,
    explanation: str | None = None,
    response_id: str | None = None,
    span: Span | None = None,
) -> None:
    """Record an evaluation's result as the event ``gen_ai.evaluation.result``.

    ``score`` is the evaluator's number, ``label`` its verdict of few values. The event belongs to
    ``span``, by default the current one; ``response_id`` names an answer whose span is gone. Needs
    a LoggerProvider; never raises.
    """
    try:
        run = runtime.current()
        if run is None:
            return
        attributes: Attributes = {semconv.EVALUATION_NAME: values.words(name)}
        number = wire.measure(score)
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
            attributes[semconv.RESPONSE_ID] = values.words(response_id)
        held = ctx.current()
        if span is not None:
            held = ctx.with_span(span, held)
        run.events.emit(semconv.EVENT_EVALUATION, attributes, None, held)
    except Exception:
        guard.failed("evaluation")


def span_of(stream: object) -> Span | None:
    """The span of an SDK's stream that is being observed, or None.

    For attributes of your own on a model call whose stream you hold:
    ``span_of(stream).set_attribute(…)``.
    """
    call = getattr(getattr(stream, "_iterator", None), "_call", None)
    return call.span if isinstance(call, Call) else None
