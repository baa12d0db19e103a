"""Every metric is one of the conventions': name, unit, instrument, buckets and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import Histogram, Sum

from otelier import semconv
from otelier.semconv import Generation
from otelier.settings import Capture
from tests.schemas import model
from tests.schemas.conftest import Left
from tests.schemas.model import Attribute, Metric, needs_model
from tests.schemas.test_spans import GENERATIONS

pytestmark = needs_model

# What was released before and the model no longer has: see the digest, section 4.
_SHARED = ("gen_ai.operation.name", "gen_ai.provider.name")
_MORE = ("gen_ai.request.model", "gen_ai.response.model", "server.address", "server.port")
_GROUP = {name: Attribute(name, name in _SHARED, False) for name in (*_SHARED, *_MORE)}
_TYPED = {**_GROUP, "gen_ai.token.type": Attribute("gen_ai.token.type", True, False)}
_TOLD = {
    name: Attribute(name, False, False)
    for name in ("openai.response.service_tier", "openai.response.system_fingerprint")
}
RELEASED = {
    "gen_ai.client.token.usage": Metric("histogram", "{token}", _TYPED | _TOLD),
    "gen_ai.client.operation.time_to_first_chunk": Metric("histogram", "s", _GROUP),
    "gen_ai.client.operation.time_per_output_chunk": Metric("histogram", "s", _GROUP),
}
# Not in the conventions yet: ours.
_PARTIAL = {"otelier.cost.partial": Attribute("otelier.cost.partial", False, False)}
OURS = {"gen_ai.client.operation.cost": Metric("counter", "USD", _GROUP | _TOLD | _PARTIAL)}
# On main since the copy of the model that is read here.
EMBEDDED = "gen_ai.client.embeddings."
NEWER = {
    f"{EMBEDDED}duration": Metric(
        "histogram", "s", _GROUP | {"error.type": Attribute("error.type", False, False)}
    ),
    f"{EMBEDDED}operation.input_tokens": Metric("histogram", "{token}", _GROUP),
}
ALWAYS = {
    "gen_ai.client.operation.duration",
    "gen_ai.client.operation.cost",
    "gen_ai.invoke_agent.duration",
    "gen_ai.invoke_agent.inference_calls",
    "gen_ai.invoke_agent.tool_calls",
    "gen_ai.execute_tool.duration",
    "gen_ai.invoke_workflow.duration",
}
USED = "gen_ai.client.inference.usage."
LATEST = {
    "gen_ai.client.inference.duration",
    "gen_ai.client.inference.time_to_first_chunk",
    "gen_ai.client.inference.time_per_output_chunk",
    "gen_ai.client.inference.operation.input_tokens",
    "gen_ai.client.inference.operation.output_tokens",
    f"{USED}input_tokens",
    f"{USED}output_tokens",
    f"{USED}cache_read.input_tokens",
    f"{USED}cache_write.input_tokens",
    f"{USED}reasoning.output_tokens",
}
INFERENCE = {"chat", "text_completion", "generate_content"}
SECONDS = tuple(round(0.01 * 2**n, 2) for n in range(14))
TOKENS = tuple(4**n for n in range(14))
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
BUCKETS: Mapping[str, tuple[float, ...]] = {
    "gen_ai.client.token.usage": TOKENS,
    "gen_ai.client.inference.operation.input_tokens": TOKENS,
    "gen_ai.client.inference.operation.output_tokens": TOKENS,
    "gen_ai.client.embeddings.operation.input_tokens": TOKENS,
    "gen_ai.invoke_agent.duration": tuple(round(0.1 * 2**n, 1) for n in range(13)),
    "gen_ai.invoke_agent.inference_calls": COUNTS,
    "gen_ai.invoke_agent.tool_calls": COUNTS,
    "gen_ai.invoke_workflow.duration": (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200),
}

Make = Callable[[Generation, Capture], Left]


def _known(name: str, provider: Any) -> Metric:
    return {**model.metrics(str(provider)), **RELEASED, **OURS, **NEWER}[name]


def _problems(metric: Any) -> Iterator[tuple[str, str]]:
    instrument = {Histogram: "histogram", Sum: "counter"}[type(metric.data)]
    for point in metric.data.data_points:
        found = point.attributes
        known = _known(metric.name, found.get("gen_ai.provider.name"))
        if (known.instrument, known.unit) != (instrument, metric.unit):
            yield metric.name, f"is a {instrument} of {metric.unit}"
        for name in known.attributes:
            if known.attributes[name].required and name not in found:
                yield name, "is required"
        for name, value in found.items():
            if name not in known.attributes:
                yield name, "is not allowed"
            elif name == "gen_ai.token.type":
                if value not in ("input", "output"):
                    yield name, f"is {value}"
            elif name in _PARTIAL:
                if value is not True:
                    yield name, f"is {value}"
            elif not model.well_typed(name, value):
                yield name, f"is of a wrong type: {value!r}"
        if "server.address" in found and "server.port" not in found:
            yield "server.port", "is missing"
        if instrument == "histogram" and metric.name not in OURS:
            bounds = tuple(round(bound, 2) for bound in point.explicit_bounds)
            if bounds != BUCKETS.get(metric.name, SECONDS):
                yield metric.name, f"has buckets {bounds}"


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=GENERATIONS)
def test_metrics(generation: Generation, left: Make) -> None:
    metrics = left(generation, Capture.SPAN_AND_EVENT).metrics
    wanted = set(ALWAYS)
    wanted |= RELEASED.keys() if generation.released else set()
    wanted |= LATEST | NEWER.keys() if generation.latest else set()
    assert {metric.name for metric in metrics} == wanted
    wrong = {(metric.name, *problem) for metric in metrics for problem in _problems(metric)}
    assert not wrong


@pytest.mark.parametrize("generation", [semconv.LATEST, semconv.DUPLICATE])
def test_which_operations_are_measured(generation: Generation, left: Make) -> None:
    for metric in left(generation, Capture.SPAN_AND_EVENT).metrics:
        for point in metric.data.data_points:
            operation = point.attributes.get("gen_ai.operation.name")
            if metric.name in LATEST:
                assert operation in INFERENCE, metric.name
            if metric.name in NEWER:
                assert operation == "embeddings", metric.name
            if metric.name == "gen_ai.client.operation.duration" and not generation.released:
                assert operation not in {*INFERENCE, "embeddings"}


@pytest.mark.parametrize("kind", ["input", "output"])
def test_counters_add_up_to_the_totals(kind: str, left: Make) -> None:
    run = left(semconv.LATEST, Capture.SPAN_AND_EVENT)
    points = {metric.name: metric.data.data_points for metric in run.metrics}
    counted = sum(point.value for point in points[f"{USED}{kind}_tokens"])
    histogram = points[f"gen_ai.client.inference.operation.{kind}_tokens"]
    on_spans = sum(
        int(str((span.attributes or {}).get(f"gen_ai.usage.{kind}_tokens", 0)))
        for span in run.spans
        if (span.attributes or {}).get("gen_ai.operation.name") in {*INFERENCE, "fetch_response"}
    )
    assert counted == sum(point.sum for point in histogram) == on_spans


def test_modalities_are_told_apart(left: Make) -> None:
    run = left(semconv.LATEST, Capture.SPAN_AND_EVENT)
    (metric,) = (each for each in run.metrics if each.name == f"{USED}input_tokens")
    modalities = {point.attributes["gen_ai.token.modality"] for point in metric.data.data_points}
    assert modalities == {"text", "image", "audio", "unknown"}


def test_durations_are_those_of_the_spans(left: Make) -> None:
    run = left(semconv.LATEST, Capture.SPAN_AND_EVENT)
    points = {metric.name: metric.data.data_points for metric in run.metrics}
    spans = [
        span for span in run.spans if (span.attributes or {}).get("gen_ai.operation.name") == "chat"
    ]
    measured = [
        point
        for point in points["gen_ai.client.inference.duration"]
        if point.attributes["gen_ai.operation.name"] == "chat"
    ]
    assert sum(point.count for point in measured) == len(spans)
    failed = [point for point in measured if "error.type" in point.attributes]
    errors = [span for span in spans if "error.type" in (span.attributes or {})]
    assert sum(point.count for point in failed) == len(errors)
    taken = sum((span.end_time or 0) - (span.start_time or 0) for span in spans) / 1e9
    assert sum(point.sum for point in measured) == pytest.approx(taken, rel=0.2)
