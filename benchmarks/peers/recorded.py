"""What a variant records of a call: that it was seen at all, with its messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from benchmarks import payloads
from benchmarks.scenarios import Bench, Scenario

# As much of a text as no other has.
_ENOUGH = 40


@dataclass
class Recorded:
    """One call's telemetry."""

    spans: int
    # Messages whose text is on a span, of those that were sent.
    told: int
    sent: int
    # Whether the answer's text is.
    said: bool
    metrics: list[str]

    def missing(self, content: bool) -> str:
        """What is wrong with it, if it cannot be compared."""
        if self.spans != 1:
            return f"{self.spans or 'no'} spans for a call"
        if content and not self.told:
            return "no message on the span"
        if content and not self.said:
            return "no answer on the span"
        if not content and (self.told or self.said):
            return "messages although they are switched off"
        return ""


def recorded(scenario: Scenario, variant: str) -> Recorded:
    """Make one call, sampled, and look at what was recorded of it."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    given: dict[str, Any] = {
        "tracer_provider": tracing,
        "meter_provider": MeterProvider([reader]),
    }
    with Bench(replace(scenario, sampling="on"), variant, **given) as bench:
        requests: list[dict[str, Any]] = []
        prepare = bench._next_request

        def kept() -> dict[str, Any]:
            requests.append(prepare())
            return requests[-1]

        bench._next_request = kept  # type: ignore[method-assign]
        exporter.clear()
        bench.run()
        spans = exporter.get_finished_spans()
        texts = "\n".join(text for span in spans for text in _texts(span))
        data = reader.get_metrics_data()
    sent = [each["content"] for each in requests[-1].get("messages") or requests[-1]["input"]]
    return Recorded(
        len(spans),
        sum(_in(text, texts) for text in sent),
        len(sent),
        _in(_answer(scenario), texts),
        sorted(
            metric.name
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ),
    )


def _texts(span: Any) -> Iterator[str]:
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        for value in (attributes or {}).values():
            yield str(value)


def _in(text: str, all_of_it: str) -> bool:
    return json.dumps(text[:_ENOUGH])[1:-1] in all_of_it or text[:_ENOUGH] in all_of_it


def _answer(scenario: Scenario) -> str:
    if scenario.chunks:
        return payloads.prose(6 * scenario.chunks)
    body = json.loads(payloads.reply(scenario.api))
    if scenario.api == "chat":
        return str(body["choices"][0]["message"]["content"])
    parts = body["output"][0]["content"] if scenario.api == "responses" else body["content"]
    return str(parts[0]["text"])
