"""Spans and log records to OTLP/JSON, and back.

The encoding is the one of the OTLP specification: lowerCamelCase keys, trace and span ids in
lower-case hex, 64-bit integers as strings, bytes in base64, enums as numbers, default values left
out. A collector's ``otlpjsonfile`` receiver and ``POST /v1/traces`` take each line as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from otelier import unicode, wire
from otelier.store import pieces
from otelier.store.grouping import grouped
from otelier.store.otlp_json_reading import decode as decode
from otelier.store.otlp_json_reading import decode_logs as decode_logs
from otelier.store.pieces import Json
from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredLog,
    StoredResource,
    StoredScope,
    StoredSpan,
)

_KINDS: Final = {name: number for number, name in enumerate(KINDS)}
_STATUSES: Final = {name: number for number, name in enumerate(STATUSES)}
# Protobuf parsers give up at 100 nested messages; one level here is up to three of them.
MAX_DEPTH: Final = 30


def line(spans: Iterable[StoredSpan]) -> bytes:
    """The spans as one line of JSON, with its line end."""
    return wire.encoded(encode(spans)) + b"\n"


def encode(spans: Iterable[StoredSpan]) -> Json:
    """The spans as one ExportTraceServiceRequest, grouped by resource and scope."""
    return {
        "resourceSpans": [
            _of_resource(
                resource,
                "scopeSpans",
                [_of_scope(scope, "spans", list(map(_span, members))) for scope, members in scopes],
            )
            for resource, scopes in grouped(spans)
        ]
    }


def log_line(logs: Iterable[StoredLog]) -> bytes:
    """The log records as one line of JSON, with its line end."""
    return wire.encoded(encode_logs(logs)) + b"\n"


def encode_logs(logs: Iterable[StoredLog]) -> Json:
    """The log records as one ExportLogsServiceRequest, grouped by resource and scope."""
    return {
        "resourceLogs": [
            _of_resource(
                resource,
                "scopeLogs",
                [
                    _of_scope(scope, "logRecords", list(map(_log, members)))
                    for scope, members in scopes
                ],
            )
            for resource, scopes in grouped(logs)
        ]
    }


def _of_resource(resource: StoredResource, name: str, scopes: list[Json]) -> Json:
    about = _without_defaults(
        {
            "attributes": _attributes(resource.attributes),
            "droppedAttributesCount": resource.dropped_attributes,
        }
    )
    return _without_defaults(
        {"resource": about, name: scopes, "schemaUrl": _text(resource.schema_url)}
    )


def _of_scope(scope: StoredScope, name: str, members: list[Json]) -> Json:
    about = _without_defaults(
        {
            "name": _text(scope.name),
            "version": _text(scope.version),
            "attributes": _attributes(scope.attributes),
            "droppedAttributesCount": scope.dropped_attributes,
        }
    )
    return _without_defaults({"scope": about, name: members, "schemaUrl": _text(scope.schema_url)})


def _without_defaults(message: Json) -> Json:
    return {key: value for key, value in message.items() if value not in ("", 0, None, [])}


def _span(span: StoredSpan) -> Json:
    return _without_defaults(
        {
            "traceId": span.trace_id,
            "spanId": span.span_id,
            "traceState": _text(span.trace_state),
            "parentSpanId": span.parent_id or "",
            "flags": span.flags,
            "name": _text(span.name),
            "kind": _KINDS.get(span.kind, 0),
            "startTimeUnixNano": _uint64(span.start_ns),
            "endTimeUnixNano": _uint64(span.end_ns),
            "attributes": _attributes(span.attributes),
            "droppedAttributesCount": span.dropped_attributes,
            "events": [_event(event) for event in span.events],
            "droppedEventsCount": span.dropped_events,
            "links": [_link(link) for link in span.links],
            "droppedLinksCount": span.dropped_links,
            "status": _without_defaults(
                {
                    "message": _text(span.status_message),
                    "code": _STATUSES.get(span.status, 0),
                }
            ),
        }
    )


def _event(event: StoredEvent) -> Json:
    return _without_defaults(
        {
            "timeUnixNano": _uint64(event.time_ns),
            "name": _text(event.name),
            "attributes": _attributes(event.attributes),
            "droppedAttributesCount": event.dropped_attributes,
        }
    )


def _link(link: StoredLink) -> Json:
    return _without_defaults(
        {
            "traceId": link.trace_id,
            "spanId": link.span_id,
            "traceState": _text(link.trace_state),
            "attributes": _attributes(link.attributes),
            "droppedAttributesCount": link.dropped_attributes,
            "flags": link.flags,
        }
    )


def _log(log: StoredLog) -> Json:
    message = {
        "timeUnixNano": _uint64(log.time_ns),
        "observedTimeUnixNano": _uint64(log.observed_ns),
        "severityNumber": log.severity_number,
        "severityText": _text(log.severity_text),
        "eventName": _text(log.name),
        "attributes": _attributes(log.attributes),
        "droppedAttributesCount": log.dropped_attributes,
        "flags": log.flags,
        "traceId": log.trace_id,
        "spanId": log.span_id,
    }
    body = {} if log.body is None else {"body": _any(log.body, 0)}
    return {**_without_defaults(message), **body}


def _uint64(value: int) -> str:
    return str(value) if value > 0 else ""


def _attributes(attributes: Mapping[str, Any]) -> list[Json]:
    return [{"key": _text(key), "value": _any(value, 0)} for key, value in attributes.items()]


def _any(value: Any, depth: int) -> Json:
    """One AnyValue."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": _text(value)}
    if isinstance(value, int):
        # A number that OTLP has no type for would make a receiver refuse the whole batch.
        kind = "intValue" if value in pieces.INT64 else "stringValue"
        return {kind: pieces.digits(value)}
    if isinstance(value, float):
        finite = value - value == 0
        return {"doubleValue": value if finite else pieces.not_finite(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytesValue": base64.b64encode(value).decode("ascii")}
    if depth >= MAX_DEPTH:
        return {"stringValue": pieces.UNREADABLE}
    if isinstance(value, Mapping):
        members = [
            {"key": _text(str(key)), "value": _any(member, depth + 1)}
            for key, member in value.items()
        ]
        return {"kvlistValue": {"values": members}}
    if isinstance(value, Sequence):
        return {"arrayValue": {"values": [_any(member, depth + 1) for member in value]}}
    return {"stringValue": f"<{type(value).__name__}>"}


_text = unicode.well_formed
