"""Spans to OTLP's protobuf messages, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier.store.json_values import text
from otelier.store.otlp import (
    KIND_NUMBERS,
    STATUS_NUMBERS,
    T,
    by_origin,
    name_of,
    uint32,
    uint64,
)
from otelier.store.proto_values import id_bytes, identity, read_attributes, write_attributes
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
Message = TypeVar("Message")


# --- encoding ---------------------------------------------------------------------------------


def encode(spans: Iterable[StoredSpan]) -> bytes:
    """The spans as one ExportTraceServiceRequest, grouped by resource and scope."""
    request = ExportTraceServiceRequest()
    grouped(spans, request.resource_spans, "scope_spans", "spans", _write_span)
    return bytes(request.SerializeToString())


def grouped(
    items: Iterable[T], outer: Any, inner: str, name: str, write: Callable[[Any, T], None]
) -> None:
    """Fill ``outer``, a request's list by resource; the names are of the lists in it."""
    for resource, scopes in by_origin(items):
        of_resource = outer.add(schema_url=text(resource.schema_url))
        of_resource.resource.SetInParent()
        _write_attributes(of_resource.resource, resource)
        for scope, found in scopes:
            of_scope = getattr(of_resource, inner).add(schema_url=text(scope.schema_url))
            of_scope.scope.SetInParent()
            of_scope.scope.name = text(scope.name)
            of_scope.scope.version = text(scope.version)
            _write_attributes(of_scope.scope, scope)
            target = getattr(of_scope, name)
            for each in found:
                write(target.add(), each)


def _write_attributes(
    target: Any, owner: StoredResource | StoredScope | StoredEvent | StoredLink | StoredSpan
) -> None:
    write_attributes(target.attributes, owner.attributes)
    target.dropped_attributes_count = uint32(owner.dropped_attributes)


def _write_span(target: Any, span: StoredSpan) -> None:
    target.trace_id = id_bytes(span.trace_id)
    target.span_id = id_bytes(span.span_id)
    target.trace_state = text(span.trace_state)
    target.parent_span_id = id_bytes(span.parent_id)
    target.flags = uint32(span.flags)
    target.name = text(span.name)
    target.kind = KIND_NUMBERS.get(span.kind, 0)
    target.start_time_unix_nano = uint64(span.start_ns)
    target.end_time_unix_nano = uint64(span.end_ns)
    _write_attributes(target, span)
    for event in span.events:
        to = target.events.add(time_unix_nano=uint64(event.time_ns), name=text(event.name))
        _write_attributes(to, event)
    target.dropped_events_count = uint32(span.dropped_events)
    for link in span.links:
        to = target.links.add(
            trace_id=id_bytes(link.trace_id),
            span_id=id_bytes(link.span_id),
            trace_state=text(link.trace_state),
            flags=uint32(link.flags),
        )
        _write_attributes(to, link)
    target.dropped_links_count = uint32(span.dropped_links)
    target.status.SetInParent()
    target.status.message = text(span.status_message)
    target.status.code = STATUS_NUMBERS.get(span.status, 0)


# --- decoding ---------------------------------------------------------------------------------


def decode(data: bytes) -> list[StoredSpan]:
    """The spans of an ExportTraceServiceRequest. Raises ValueError if it is none."""
    request = parsed(ExportTraceServiceRequest, data)
    return list(ungrouped(request.resource_spans, "scope_spans", "spans", _read_span))


def parsed(kind: Callable[[], Message], data: bytes) -> Message:
    """A message of this kind. Raises ValueError if the bytes are none."""
    message: Any = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(f"not OTLP/protobuf: {error}") from None
    return message  # type: ignore[no-any-return]


def ungrouped(
    outer: Any, inner: str, name: str, read: Callable[[Any, StoredScope, StoredResource], Read]
) -> Iterator[Read]:
    """What :func:`grouped` was given."""
    for of_resource in outer:
        resource = StoredResource(
            read_attributes(of_resource.resource.attributes),
            of_resource.schema_url,
            of_resource.resource.dropped_attributes_count,
        )
        for of_scope in getattr(of_resource, inner):
            scope = StoredScope(
                of_scope.scope.name,
                of_scope.scope.version,
                read_attributes(of_scope.scope.attributes),
                of_scope.scope.dropped_attributes_count,
                of_scope.schema_url,
            )
            for each in getattr(of_scope, name):
                yield read(each, scope, resource)


def _read_span(span: Any, scope: StoredScope, resource: StoredResource) -> StoredSpan:
    return StoredSpan(
        trace_id=identity(span.trace_id),
        span_id=identity(span.span_id),
        parent_id=identity(span.parent_span_id) or None,
        name=span.name,
        kind=name_of(span.kind, KINDS),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=read_attributes(span.attributes),
        status=name_of(span.status.code, STATUSES),
        status_message=span.status.message,
        events=tuple(
            StoredEvent(
                event.name,
                event.time_unix_nano,
                read_attributes(event.attributes),
                event.dropped_attributes_count,
            )
            for event in span.events
        ),
        links=tuple(
            StoredLink(
                identity(link.trace_id),
                identity(link.span_id),
                read_attributes(link.attributes),
                link.trace_state,
                link.flags,
                link.dropped_attributes_count,
            )
            for link in span.links
        ),
        scope=scope,
        resource=resource,
        trace_state=span.trace_state,
        flags=span.flags,
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
        dropped_links=span.dropped_links_count,
    )
