"""A finished span as plain data, whether it came from a file or from the SDK in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that happened within a span."""

    name: str
    time_ns: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One finished span. Ids are lower-case hex; times are nanoseconds since 1970, 0 if unknown."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str = "INTERNAL"
    start_ns: int = 0
    end_ns: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = "UNSET"
    status_message: str = ""
    events: Sequence[StoredEvent] = ()
    scope: str = ""
    resource: Mapping[str, Any] = field(default_factory=dict)
    remote_parent: bool = False


def stored(span: ReadableSpan) -> StoredSpan:
    """The SDK's span as a :class:`StoredSpan`. Attribute values are shared, not copied."""
    context = span.get_span_context()
    parent = span.parent
    return StoredSpan(
        trace_id=format(context.trace_id, "032x") if context else "",
        span_id=format(context.span_id, "016x") if context else "",
        parent_id=format(parent.span_id, "016x") if parent else None,
        name=span.name,
        kind=span.kind.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        attributes=span.attributes or {},
        status=span.status.status_code.name,
        status_message=span.status.description or "",
        events=tuple(StoredEvent(e.name, e.timestamp, e.attributes or {}) for e in span.events),
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        resource=span.resource.attributes,
        remote_parent=bool(parent and parent.is_remote),
    )
