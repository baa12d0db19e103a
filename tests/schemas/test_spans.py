"""Every span is one of the conventions' span types: name, kind, attributes, their types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from otelier import semconv
from otelier.semconv import Generation
from otelier.settings import Capture
from tests.replay.client import Clients
from tests.schemas import calls, model
from tests.schemas.conftest import AT_START, Left, Noting
from tests.schemas.model import needs_model
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

pytestmark = needs_model

GENERATIONS = {"released": semconv.COMPAT, "latest": semconv.LATEST, "both": semconv.DUPLICATE}
SPAN_TYPES = {
    "chat": "gen_ai.client.inference",
    "text_completion": "gen_ai.client.inference",
    "generate_content": "gen_ai.client.inference",
    "embeddings": "gen_ai.embeddings.client",
    "fetch_response": "gen_ai.fetch_response.client",
    "retrieval": "gen_ai.retrieval.client",
    "invoke_agent": "gen_ai.invoke_agent.internal",
    "execute_tool": "gen_ai.execute_tool.internal",
    "invoke_workflow": "gen_ai.invoke_workflow.internal",
}
REFINEMENTS = {
    ("gen_ai.client.inference", "openai"): "openai.gen_ai.client.inference",
    ("gen_ai.client.inference", "anthropic"): "anthropic.gen_ai.client.inference",
    ("gen_ai.fetch_response.client", "openai"): "openai.fetch_response.client",
}
# The attribute that a span's name has after the operation.
NAMED_BY = {
    "gen_ai.client.inference": "gen_ai.request.model",
    "gen_ai.embeddings.client": "gen_ai.request.model",
    "gen_ai.retrieval.client": "gen_ai.data_source.id",
    "gen_ai.invoke_agent.internal": "gen_ai.agent.name",
    "gen_ai.execute_tool.internal": "gen_ai.tool.name",
    "gen_ai.invoke_workflow.internal": "gen_ai.workflow.name",
}
# Ours, and what the design puts on spans beside the conventions.
OURS = ("otelier.", "test.")
BESIDE = {
    "http.response.status_code": int,
    "gen_ai.usage.cost": float,
    "session.id": str,
    "user.id": str,
    "gen_ai.conversation.id": str,  # session() puts it on every span.
}
# The conventions have sums on agents alone.
SUMS = {
    "gen_ai.usage.input_tokens": int,
    "gen_ai.usage.output_tokens": int,
    "gen_ai.response.finish_reasons": tuple,
}
RELEASED = {"gen_ai.usage.cache_creation.input_tokens": int}
ONLY_TRUE = ("gen_ai.request.stream", "gen_ai.conversation.compacted")

Checked = tuple[str, str]


def span_type(span: ReadableSpan) -> str | None:
    """The conventions' type of a span; None for a plain step."""
    operation = (span.attributes or {}).get("gen_ai.operation.name")
    return None if operation is None else SPAN_TYPES[str(operation)]


def allowed(span: ReadableSpan) -> model.Attributes:
    """What a span's type, with its provider's refinement, says of attributes."""
    kind = span_type(span)
    if kind is None:
        return {}
    provider = str((span.attributes or {}).get("gen_ai.provider.name"))
    known = model.span_type(REFINEMENTS.get((kind, provider), kind))
    if kind != "gen_ai.fetch_response.client":
        return known
    # The conventions know no usage here. What was generated in the background has it nowhere else,
    # and sums are by the model, of which the path says nothing when the span begins.
    counted = model.span_type("gen_ai.client.inference")
    asked = {"gen_ai.request.model": replace(counted["gen_ai.request.model"], sampling=False)}
    return {**{name: counted[name] for name in counted if ".usage." in name}, **asked, **known}


def wrong_attributes(
    found: Mapping[str, Any], known: model.Attributes, beside: Mapping[str, type]
) -> Iterator[Checked]:
    """Attributes that are missing, not allowed, or of a wrong type."""
    for name in known:
        if known[name].required and name not in found:
            yield name, "is required"
    for name, value in found.items():
        if name.startswith(OURS):
            continue
        if name in known:
            if not model.well_typed(name, value):
                yield name, f"is of a wrong type: {value!r}"
        elif type(value) is not beside.get(name):
            yield name, "is not allowed"


def wrong_conditions(found: Mapping[str, Any], failed: bool) -> Iterator[Checked]:
    """Attributes whose presence depends on something."""
    for name in ONLY_TRUE:
        if found.get(name, True) is not True:
            yield name, "is false"
    if found.get("gen_ai.request.choice.count") == 1:
        yield "gen_ai.request.choice.count", "is 1"
    if found.get("openai.request.service_tier") == "auto":
        yield "openai.request.service_tier", "is auto"
    for name, other in (
        ("server.port", "server.address"),
        ("gen_ai.prompt.name", "gen_ai.prompt.version"),
    ):
        if other in found and name not in found:
            yield name, f"is missing beside {other}"
    if failed != ("error.type" in found):
        yield "error.type", "does not agree with the status"
    if found.get("gen_ai.operation.name") not in {None, *model.operations()}:
        yield "gen_ai.operation.name", "is not a well-known one"


def _problems(span: ReadableSpan, beside: Mapping[str, type]) -> Iterator[Checked]:
    found = span.attributes or {}
    failed = span.status.status_code is StatusCode.ERROR
    if span_type(span) == "gen_ai.invoke_workflow.internal":
        beside = {**beside, **SUMS}
    yield from wrong_attributes(found, allowed(span), beside)
    yield from wrong_conditions(found, failed)
    if span.status.status_code is StatusCode.OK:
        yield "status", "is OK"
    if span.events:
        yield "events", "are on the span"
    kind = span_type(span)
    if kind is None:
        return
    named = found.get(NAMED_BY.get(kind, ""))
    operation = found["gen_ai.operation.name"]
    if span.name != (f"{operation!s} {named!s}" if named else operation):
        yield span.name, "is not the name"
    if span.kind.name.lower() != model.span_kind(kind):
        yield span.kind.name, "is not the kind"
    at_start = set(found[AT_START])  # type: ignore[arg-type]
    for name, attribute in allowed(span).items():
        if attribute.sampling and name in found and name not in at_start:
            yield name, "came after the sampling decision"


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=GENERATIONS)
def test_spans(generation: Generation, left: Callable[[Generation, Capture], Left]) -> None:
    beside = {**BESIDE, **RELEASED} if generation.released else BESIDE
    wrong: dict[tuple[str, ...], str] = {}
    for span in left(generation, Capture.SPAN_AND_EVENT).spans:
        for problem in _problems(span, beside):
            wrong[(span.name, *problem)] = str(dict(span.attributes or {}))[:500]
    assert not wrong


def test_every_type_was_there(left: Callable[[Generation, Capture], Left]) -> None:
    kinds = {span_type(span) for span in left(semconv.COMPAT, Capture.SPAN_AND_EVENT).spans}
    assert kinds == {*SPAN_TYPES.values(), None}


@pytest.mark.parametrize("capture", [Capture.NO_CONTENT, Capture.EVENT_ONLY])
def test_no_content_on_spans(capture: Capture, left: Callable[[Generation, Capture], Left]) -> None:
    for span in left(semconv.COMPAT, capture).spans:
        assert not semconv.CONTENT_ATTRIBUTES & (span.attributes or {}).keys()


def test_a_fetched_stream_is_no_inference(server: ProviderServer) -> None:
    telemetry = Telemetry(Noting()).start(generation=semconv.LATEST)
    clients = Clients(int(server.url.rpartition(":")[2]))
    openai = clients.of("openai")
    response = calls.stored(openai)
    telemetry.clear()
    list(openai.responses.retrieve(response, stream=True, starting_after=2))
    clients.close()
    telemetry.stop()
    span = telemetry.span("fetch_response")
    assert (span.attributes or {})["gen_ai.request.stream_cursor"] == "2"
    assert not list(_problems(span, BESIDE))
    timed = telemetry.metrics().get("gen_ai.client.inference.time_to_first_chunk", ())
    assert not [p for p in timed if p.attributes["gen_ai.operation.name"] == "fetch_response"]
