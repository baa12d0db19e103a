"""What the store has no column for, as JSON: resources, scopes, what few spans and events have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import wire
from otelier.store import pieces
from otelier.store.otlp import INT64, uint32
from otelier.store.spans import (
    StoredEvent,
    StoredLink,
    StoredLog,
    StoredResource,
    StoredScope,
    StoredSpan,
)

# Times that a column can hold.
TIMES: Final = range(1 << 64)


def _attributes(found: Mapping[str, Any]) -> pieces.Json:
    return {name: pieces.tagged(value) for name, value in found.items()}


def _filled(members: pieces.Json) -> pieces.Json:
    return {name: value for name, value in members.items() if value}


def resource_body(resource: StoredResource) -> str:
    """A resource as JSON."""
    body = {
        "attributes": _attributes(resource.attributes),
        "schemaUrl": resource.schema_url,
        "droppedAttributesCount": resource.dropped_attributes,
    }
    return wire.encoded(_filled(body)).decode()


def scope_body(scope: StoredScope) -> str:
    """A scope as JSON."""
    body = {
        "name": scope.name,
        "version": scope.version,
        "attributes": _attributes(scope.attributes),
        "schemaUrl": scope.schema_url,
        "droppedAttributesCount": scope.dropped_attributes,
    }
    return wire.encoded(_filled(body)).decode()


def span_more(span: StoredSpan) -> str | None:
    """What few spans have, as JSON; None where there is nothing of it."""
    duration = span.end_ns - span.start_ns
    odd = span.start_ns not in TIMES or duration not in INT64
    if not (
        span.events
        or span.links
        or span.trace_state
        or span.dropped_attributes
        or span.dropped_events
        or span.dropped_links
        or odd
    ):
        return None
    body = {
        "events": [_event(event) for event in span.events],
        "links": [_link(link) for link in span.links],
        "traceState": span.trace_state,
        "droppedAttributesCount": span.dropped_attributes,
        "droppedEventsCount": span.dropped_events,
        "droppedLinksCount": span.dropped_links,
        # Times that the columns cannot hold.
        "times": [str(span.start_ns), str(span.end_ns)] if odd else None,
    }
    return wire.encoded(_filled(body)).decode()


def _event(event: StoredEvent) -> pieces.Json:
    return _filled(
        {
            "name": event.name,
            "time": event.time_ns,
            "attributes": _attributes(event.attributes),
            "droppedAttributesCount": event.dropped_attributes,
        }
    )


def _link(link: StoredLink) -> pieces.Json:
    return _filled(
        {
            "traceId": link.trace_id,
            "spanId": link.span_id,
            "attributes": _attributes(link.attributes),
            "traceState": link.trace_state,
            "flags": link.flags,
            "droppedAttributesCount": link.dropped_attributes,
        }
    )


def event_more(log: StoredLog, body: Any, moment: int) -> str | None:
    """What an event has beside attributes, as JSON; ``moment`` is the time that the column has."""
    found = {
        # A list: of a body that is empty, too, it is known that it is there.
        "body": None if log.body is None else [body],
        "time": None if log.time_ns == moment else str(log.time_ns),
        "observed": None if log.observed_ns == 0 else str(log.observed_ns),
        "severityNumber": uint32(log.severity),
        "severityText": log.severity_text,
        "flags": uint32(log.flags),
        "droppedAttributesCount": uint32(log.dropped_attributes),
    }
    filled = _filled(found)
    return wire.encoded(filled).decode() if filled else None
