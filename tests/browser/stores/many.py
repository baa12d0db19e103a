"""Sixty sessions over two weeks: users, tags, models, prompt versions, errors, evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.store.talks import Maker
from benchmarks.store.turns import Turn
from benchmarks.store.workload import DAY, END, HOUR
from otelier import semconv as s
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.writer import Writer

SESSIONS: Final = 60
_DAYS: Final = 14
_USERS: Final = 9
_JUDGES: Final = ("helpful", "correct", "short")


def write(path: Path) -> None:
    """Make the store."""
    writer = Writer(path)
    random = Random(1)
    maker = Maker(random, True, _USERS)
    for number in range(SESSIONS):
        talk = maker.conversation()
        began = END - _DAYS * DAY + number * (_DAYS * DAY - 2 * HOUR) // SESSIONS
        while talk.turns < talk.last_turn:
            spans = [_told(span) for span in Turn(talk, began).run()]
            began = spans[-1].end_ns + 30 * 10**9
            writer.write(spans, list(_judged(spans, random)))
    writer.close()


def _told(span: StoredSpan) -> StoredSpan:
    """The span; a failed one says more of what happened."""
    if span.status != "ERROR":
        return span
    attributes: dict[str, Any] = dict(span.attributes)
    code = attributes.get(s.PROVIDER_ERROR_CODE)
    if code is not None:
        attributes[s.PROVIDER_REQUEST_ID] = f"req_failed_{span.span_id[:8]}"
    message = f"Error code: {attributes[s.HTTP_STATUS]} - {code}" if code else "no connection"
    return replace(span, status_message=message, attributes=attributes)


def _judged(spans: list[StoredSpan], random: Random) -> Iterator[StoredLog]:
    """Evaluations of the last answer of a trace."""
    answers = [span for span in spans if s.RESPONSE_ID in span.attributes]
    for answer in answers[-1:]:
        for judge in _JUDGES:
            score = round(random.random(), 2)
            yield StoredLog(
                time_ns=answer.end_ns,
                name=s.EVENT_EVALUATION,
                trace_id=answer.trace_id,
                span_id=answer.span_id,
                resource=answer.resource,
                attributes={
                    s.EVALUATION_NAME: judge,
                    s.EVALUATION_SCORE: score,
                    s.EVALUATION_LABEL: "pass" if score > 0.4 else "fail",
                    s.EVALUATION_EXPLANATION: f"It is {judge} to {score:.0%}.",
                    s.RESPONSE_ID: answer.attributes[s.RESPONSE_ID],
                },
            )
