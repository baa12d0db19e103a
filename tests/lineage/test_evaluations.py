"""Evaluations belong to the span that is evaluated, and to no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import openai
import pytest
from opentelemetry.trace import format_span_id, format_trace_id

import otelier
from otelier import guard
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7


def event(telemetry: Telemetry) -> Any:
    (found,) = telemetry.events()
    assert found.event_name == "gen_ai.evaluation.result"
    return found


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [
        (format_trace_id(TRACE), format_span_id(SPAN)),
        (format_trace_id(TRACE).upper(), format_span_id(SPAN).upper()),
        # Some backends leave out zeros at the beginning.
        (f"{TRACE:x}", f"{SPAN:x}"),
        (f" {TRACE:032x}\n", SPAN),
        (TRACE, SPAN),
    ],
)
def test_ids(telemetry: Telemetry, trace_id: Any, span_id: Any) -> None:
    with telemetry.tracer.start_as_current_span("the page's request"):
        otelier.record_evaluation("helpful", score=1, trace_id=trace_id, span_id=span_id)
    assert (event(telemetry).trace_id, event(telemetry).span_id) == (TRACE, SPAN)
    assert event(telemetry).trace_flags == 1


WRONG = {
    "only the trace": {"trace_id": f"{TRACE:032x}"},
    "only the span": {"span_id": f"{SPAN:016x}"},
    "empty": {"trace_id": "", "span_id": ""},
    "zeros": {"trace_id": "0" * 32, "span_id": "0" * 16},
    "no digits": {"trace_id": "x" * 32, "span_id": f"{SPAN:016x}"},
    "signs": {"trace_id": "-" + "1" * 31, "span_id": "0x12"},
    "underscores": {"trace_id": "1_" * 16, "span_id": f"{SPAN:016x}"},
    "other digits": {"trace_id": "\u0661" * 32, "span_id": f"{SPAN:016x}"},
    "too long": {"trace_id": "1" * 33, "span_id": "1" * 17},
    "too large": {"trace_id": 2**128, "span_id": 2**64},
    "below zero": {"trace_id": -1, "span_id": -1},
    "other things": {"trace_id": object(), "span_id": [1]},
    "true": {"trace_id": True, "span_id": True},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_id_is_said_once(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    ids: Any = WRONG[name]
    with telemetry.tracer.start_as_current_span("the page's request"), caplog.at_level("WARNING"):
        for _ in range(3):
            otelier.record_evaluation("helpful", score=1, **ids)
    assert not telemetry.events()
    assert caplog.text.count("takes trace_id and span_id together") == 1
    assert not guard.failures()
    # The answer's id still says what is meant.
    otelier.record_evaluation("helpful", score=1, response_id="r-1", **ids)
    assert event(telemetry).attributes["gen_ai.response.id"] == "r-1"
    assert not event(telemetry).trace_id


@pytest.fixture
def answer(server: ProviderServer, telemetry: Telemetry) -> Any:
    told = openai_wire.chat_completion(openai_wire.chat_message("Hello."), id="chatcmpl-77")
    server.route("/chat/completions", lambda request: Json(told))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    return client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hi"}]
    )


def test_an_answer_s_own_span(telemetry: Telemetry, answer: Any) -> None:
    def of_the_answer(record: Callable[[], None]) -> bool:
        telemetry.log_exporter.clear()
        with telemetry.tracer.start_as_current_span("judge"):
            record()
        asked = telemetry.span("chat").context
        found = event(telemetry)
        return (found.trace_id, found.span_id) == (asked.trace_id, asked.span_id)

    span = otelier.span_of(answer)
    assert of_the_answer(lambda: otelier.record_evaluation("a", score=1, span=span))
    assert of_the_answer(lambda: otelier.record_evaluation("a", score=1, response_id=answer.id))
    assert event(telemetry).attributes["gen_ai.response.id"] == answer.id
    # Which span is current says nothing of an answer that this process does not know.
    assert not of_the_answer(lambda: otelier.record_evaluation("a", score=1, response_id="other"))
    assert not event(telemetry).trace_id and not event(telemetry).span_id


def test_the_current_span_s(telemetry: Telemetry) -> None:
    with otelier.workflow("answer") as step:
        otelier.record_evaluation("a", score=1)
        assert event(telemetry).span_id == step.span.get_span_context().span_id


@pytest.mark.parametrize(
    ("score", "told"), [(True, 1.0), (False, 0.0), (0, 0.0), ("0.5", 0.5), ("good", None)]
)
def test_scores(telemetry: Telemetry, score: Any, told: float | None) -> None:
    otelier.record_evaluation("a", score=score)
    assert event(telemetry).attributes.get("gen_ai.evaluation.score.value") == told


def test_after_uninstrument_there_are_none(telemetry: Telemetry) -> None:
    otelier.uninstrument()
    # Masks that code has given are gone, so no content goes out either.
    otelier.record_evaluation("a", score=1, explanation="words", trace_id=TRACE, span_id=SPAN)
    assert not telemetry.events()


def test_no_line_without_need(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        otelier.record_evaluation("a", score=1, trace_id=TRACE, span_id=SPAN)
        otelier.record_evaluation("a", score=1)
    assert not [each for each in caplog.records if each.name.startswith("otelier")]
