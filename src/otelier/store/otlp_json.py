"""Spans to OTLP/JSON, and back.

The encoding is the one of the OTLP specification: lowerCamelCase keys, trace and span ids in
lower-case hex, 64-bit integers as strings, bytes in base64, enums as numbers, default values left
out. A collector's ``otlpjsonfile`` receiver and ``POST /v1/traces`` take each line as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from otelier import wire
from otelier.store.json_values import (
    Json,
    attributes,
    digits,
    identity,
    integer,
    member,
    members,
    number_of,
    read_attributes,
    request,
    string,
    text,
    without_defaults,
)
from otelier.store.otlp import (
    KIND_NUMBERS,
    STATUS_NUMBERS,
    Scopes,
    T,
    by_origin,
    name_of,
    uint32,
    uint64,
)
from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredResource,
    StoredScope,
    StoredSpan,
)

Read = TypeVar("Read")


# --- encoding ---------------------------------------------------------------------------------


def line(spans: Iterable[StoredSpan]) -> bytes:
    """The spans as one line of JSON, with its line end."""
    return wire.encoded(encode(spans)) + b"\n"


def encode(spans: Iterable[StoredSpan]) -> Json:
    """The spans as one ExportTraceServiceRequest, grouped by resource and scope."""
    return grouped(spans, "resourceSpans", "scopeSpans", "spans", _span)


def grouped(
    items: Iterable[T], outer: str, inner: str, name: str, encoded: Callable[[T], Json]
) -> Json:
    """Spans or logs as a request; the names are of its lists, from the outermost."""

    def of(scopes: Scopes[T]) -> list[Json]:
        return [
            without_defaults(
                {
                    "scope": _scope(scope),
                    name: [encoded(each) for each in found],
                    "schemaUrl": text(scope.schema_url),
                }
            )
            for scope, found in scopes
        ]

    return {
        outer: [
            without_defaults(
                {
                    "resource": _with_attributes({}, resource),
                    inner: of(scopes),
                    "schemaUrl": text(resource.schema_url),
                }
            )
            for resource, scopes in by_origin(items)
        ]
    }


def _scope(scope: StoredScope) -> Json:
    return _with_attributes({"name": text(scope.name), "version": text(scope.version)}, scope)


def _with_attributes(
    message: Json, owner: StoredResource | StoredScope | StoredEvent | StoredLink | StoredSpan
) -> Json:
    """The message without defaults, with the attributes of ``owner``."""
    message["attributes"] = attributes(owner.attributes)
    message["droppedAttributesCount"] = uint32(owner.dropped_attributes)
    return without_defaults(message)


def _span(span: StoredSpan) -> Json:
    status = {"message": text(span.status_message), "code": STATUS_NUMBERS.get(span.status, 0)}
    return _with_attributes(
        {
            "traceId": text(span.trace_id),
            "spanId": text(span.span_id),
            "traceState": text(span.trace_state),
            "parentSpanId": text(span.parent_id or ""),
            "flags": uint32(span.flags),
            "name": text(span.name),
            "kind": KIND_NUMBERS.get(span.kind, 0),
            "startTimeUnixNano": digits(uint64(span.start_ns)),
            "endTimeUnixNano": digits(uint64(span.end_ns)),
            "events": [_event(event) for event in span.events],
            "droppedEventsCount": uint32(span.dropped_events),
            "links": [_link(link) for link in span.links],
            "droppedLinksCount": uint32(span.dropped_links),
            "status": without_defaults(status),
        },
        span,
    )


def _event(event: StoredEvent) -> Json:
    message = {"timeUnixNano": digits(uint64(event.time_ns)), "name": text(event.name)}
    return _with_attributes(message, event)


def _link(link: StoredLink) -> Json:
    return _with_attributes(
        {
            "traceId": text(link.trace_id),
            "spanId": text(link.span_id),
            "traceState": text(link.trace_state),
            "flags": uint32(link.flags),
        },
        link,
    )


# --- decoding ---------------------------------------------------------------------------------


def decode(line: bytes | str) -> Iterator[StoredSpan]:
    """The spans of one line. Raises ValueError if the line is no JSON object.

    What is missing or of a wrong type inside becomes empty; other signals give no spans.
    """
    return ungrouped(request(line), "resourceSpans", "scopeSpans", "spans", _read_span)


def ungrouped(
    request: Json,
    outer: str,
    inner: str,
    name: str,
    read: Callable[[Json, StoredScope, StoredResource], Read],
) -> Iterator[Read]:
    """What :func:`grouped` was given."""
    for of_resource in members(request, outer):
        found = member(of_resource, "resource")
        resource = StoredResource(
            read_attributes(found),
            string(of_resource, "schemaUrl"),
            _dropped(found, "Attributes"),
        )
        for of_scope in members(of_resource, inner):
            found = member(of_scope, "scope")
            scope = StoredScope(
                string(found, "name"),
                string(found, "version"),
                read_attributes(found),
                _dropped(found, "Attributes"),
                string(of_scope, "schemaUrl"),
            )
            for each in members(of_scope, name):
                yield read(each, scope, resource)


def _read_span(span: Json, scope: StoredScope, resource: StoredResource) -> StoredSpan:
    status = member(span, "status")
    return StoredSpan(
        trace_id=identity(span, "traceId"),
        span_id=identity(span, "spanId"),
        parent_id=identity(span, "parentSpanId") or None,
        name=string(span, "name"),
        kind=name_of(number_of(span, "kind", "SPAN_KIND_", KINDS), KINDS),
        start_ns=uint64(integer(span, "startTimeUnixNano")),
        end_ns=uint64(integer(span, "endTimeUnixNano")),
        attributes=read_attributes(span),
        status=name_of(number_of(status, "code", "STATUS_CODE_", STATUSES), STATUSES),
        status_message=string(status, "message"),
        events=tuple(map(_read_event, members(span, "events"))),
        links=tuple(map(_read_link, members(span, "links"))),
        scope=scope,
        resource=resource,
        trace_state=string(span, "traceState"),
        flags=uint32(integer(span, "flags")),
        dropped_attributes=_dropped(span, "Attributes"),
        dropped_events=_dropped(span, "Events"),
        dropped_links=_dropped(span, "Links"),
    )


def _read_event(event: Json) -> StoredEvent:
    return StoredEvent(
        string(event, "name"),
        uint64(integer(event, "timeUnixNano")),
        read_attributes(event),
        _dropped(event, "Attributes"),
    )


def _read_link(link: Json) -> StoredLink:
    return StoredLink(
        identity(link, "traceId"),
        identity(link, "spanId"),
        read_attributes(link),
        string(link, "traceState"),
        uint32(integer(link, "flags")),
        _dropped(link, "Attributes"),
    )


def _dropped(owner: Json, what: str) -> int:
    return uint32(integer(owner, f"dropped{what}Count"))
