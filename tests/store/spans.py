"""Spans as the SDK makes them, for the tests of this folder."""

from __future__ import annotations

# The SDK's fork handler uses a thread pool. Its lock is only free in a forked child if this module
# is imported before the provider is made, which a provider with a resource of its own does not do.
import concurrent.futures.thread  # noqa: F401
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

ATTRIBUTES = {
    "text": "über 😀 \x1b[31m \x00",
    "empty": "",
    "yes": True,
    "no": False,
    "int": 2**63 - 1,
    "negative": -(2**63),
    "zero": 0,
    "float": 0.1,
    "whole": 3.0,
    "nan": float("nan"),
    "inf": float("inf"),
    "minus": float("-inf"),
    "bytes": b"\x00\xff",
    "strings": ["a", "b"],
    "ints": [1, 2],
    "nothing": [],
    "map": {"a": {"b": [1, "x", {"c": None}]}, "d": b"1"},
    "none": None,
}


def provider(
    exporter: InMemorySpanExporter, limits: SpanLimits | None = None, service: str = "test"
) -> TracerProvider:
    """A real SDK provider that hands every span to ``exporter`` when it ends."""
    made = TracerProvider(
        resource=Resource({"service.name": service}, "https://example.org/resource"),
        span_limits=limits,
    )
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


def everything() -> Sequence[ReadableSpan]:
    """Spans that use every field of OTLP's span, of two resources and three scopes."""
    memory = InMemorySpanExporter()
    first = provider(memory, SpanLimits(max_span_attributes=len(ATTRIBUTES)), "a")
    second = provider(memory, service="b")
    remote = SpanContext(
        trace_id=0xABCDEF,
        span_id=0x1234,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("vendor", "value"), ("other", "1")]),
    )
    tracer = first.get_tracer("scope.one", "1.2", "https://example.org/scope", {"scoped": True})
    with tracer.start_as_current_span(
        "outer",
        context=trace.set_span_in_context(NonRecordingSpan(remote)),
        kind=SpanKind.SERVER,
        attributes={"dropped": "for the limit", **ATTRIBUTES},  # type: ignore[dict-item]
        links=[Link(remote, {"why": "because"}), Link(SpanContext(1, 2, False))],
    ) as outer:
        outer.add_event("happened", {"n": 1, "list": [1.5, 2.5]}, timestamp=17)
        for kind in SpanKind:
            with first.get_tracer("scope.two").start_as_current_span(kind.name, kind=kind) as span:
                span.set_status(Status(StatusCode.ERROR, "it broke: ü\nline two"))
        with second.get_tracer("scope.one").start_as_current_span("elsewhere") as span:
            span.set_status(Status(StatusCode.OK))
    return memory.get_finished_spans()
