"""Events: their names, severity, place in the trace and attributes, structured where spans hold
JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from otelier import semconv
from otelier.semconv import Generation
from otelier.settings import Capture
from tests.schemas import model
from tests.schemas.conftest import Left
from tests.schemas.model import needs_model
from tests.schemas.test_spans import (
    BESIDE,
    GENERATIONS,
    REFINEMENTS,
    RELEASED,
    wrong_attributes,
    wrong_conditions,
)

pytestmark = needs_model

DETAILS = "gen_ai.client.inference.operation.details"
EXCEPTION = "gen_ai.client.operation.exception"
EVALUATION = "gen_ai.evaluation.result"
SEVERITY = {DETAILS: 5, EXCEPTION: 13}
INFERENCE = {"chat", "text_completion", "generate_content"}

Make = Callable[[Generation, Capture], Left]


def _records(left: Left, name: str) -> list[Any]:
    found = (log.log_record for log in left.events)
    return [record for record in found if record.event_name == name]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _inferences(left: Left) -> dict[int, Any]:
    return {
        span.context.span_id: span
        for span in left.spans
        if (span.attributes or {}).get("gen_ai.operation.name") in INFERENCE
    }


def _as_span(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """An event's attributes as a span would hold them."""
    return {
        name: json.dumps(_plain(value))
        if name in semconv.CONTENT_ATTRIBUTES
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in attributes.items()
    }


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=GENERATIONS)
def test_details(generation: Generation, left: Make) -> None:
    run = left(generation, Capture.SPAN_AND_EVENT)
    spans = _inferences(run)
    records = _records(run, DETAILS)
    assert {record.span_id for record in records} == spans.keys()
    assert len(records) == len(spans)
    beside = {**BESIDE, **RELEASED} if generation.released else BESIDE
    wrong = set()
    for record in records:
        found = _as_span(record.attributes)
        provider = str(found["gen_ai.provider.name"])
        refined = REFINEMENTS.get(("gen_ai.client.inference", provider), "gen_ai.client.inference")
        known = {**model.event(DETAILS), **model.span_type(refined)}
        wrong |= set(wrong_attributes(found, known, beside))
        wrong |= set(wrong_conditions(found, "error.type" in found))
    assert not wrong


def test_details_are_the_span(left: Make) -> None:
    run = left(semconv.COMPAT, Capture.SPAN_AND_EVENT)
    spans = _inferences(run)
    for record in _records(run, DETAILS):
        span = spans[record.span_id]
        on_span = {
            name: json.loads(value) if name in semconv.CONTENT_ATTRIBUTES else _plain(value)
            for name, value in span.attributes.items()
            if not name.startswith(("test.", "session.", "user.", "otelier.tags"))
        }
        event = _plain(record.attributes)
        conversation = span.attributes.get("gen_ai.conversation.id")
        if conversation == "conv_2":  # Of the session, which is on spans alone.
            on_span.pop("gen_ai.conversation.id")
        assert event == on_span
        assert record.trace_id == span.context.trace_id
        assert record.body is None


def test_content_is_structured(left: Make) -> None:
    for record in _records(left(semconv.COMPAT, Capture.EVENT_ONLY), DETAILS):
        for name in semconv.CONTENT_ATTRIBUTES & record.attributes.keys():
            assert isinstance(record.attributes[name], list | tuple)
        if record.attributes["gen_ai.operation.name"] == "chat":
            assert "gen_ai.input.messages" in record.attributes


@pytest.mark.parametrize("capture", [Capture.NO_CONTENT, Capture.SPAN_ONLY])
def test_no_details_without_being_asked(capture: Capture, left: Make) -> None:
    assert not _records(left(semconv.COMPAT, capture), DETAILS)


@pytest.mark.parametrize("name", [DETAILS, EXCEPTION])
def test_severity(name: str, left: Make) -> None:
    records = _records(left(semconv.COMPAT, Capture.SPAN_AND_EVENT), name)
    assert {record.severity_number.value for record in records} == {SEVERITY[name]}


@pytest.mark.parametrize("name", [EXCEPTION, EVALUATION])
def test_other_events(name: str, left: Make) -> None:
    run = left(semconv.COMPAT, Capture.SPAN_AND_EVENT)
    records = _records(run, name)
    assert records
    known = model.event(name)
    wrong = {
        problem for record in records for problem in wrong_attributes(record.attributes, known, {})
    }
    assert not wrong
    spans = {span.context.span_id for span in run.spans}
    assert {record.span_id for record in records} <= spans


def test_an_exception_for_each_call_that_raised(left: Make) -> None:
    run = left(semconv.COMPAT, Capture.SPAN_AND_EVENT)
    errors = {
        record.span_id: record.attributes["exception.type"] for record in _records(run, EXCEPTION)
    }
    raised = {
        span.context.span_id: span.attributes["error.type"]
        for span in _inferences(run).values()
        if "." in str(span.attributes.get("error.type", ""))
    }
    assert raised
    assert raised.items() <= errors.items()
