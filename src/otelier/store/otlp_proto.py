"""Spans and log records to OTLP/protobuf, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otelier import unicode
from otelier.store import pieces
from otelier.store.bodies import TIMES
from otelier.store.grouping import grouped
from otelier.store.otlp_json import MAX_DEPTH
from otelier.store.otlp_proto_reading import decode as decode
from otelier.store.otlp_proto_reading import decode_logs as decode_logs
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
_UINT32: Final = (1 << 32) - 1


def encode(spans: Iterable[StoredSpan]) -> bytes:
    """The spans as the bytes of one ExportTraceServiceRequest."""
    return message(spans).SerializeToString()  # type: ignore[no-any-return]


def message(spans: Iterable[StoredSpan]) -> ExportTraceServiceRequest:
    """The spans as one ExportTraceServiceRequest, grouped by resource and scope."""
    request = ExportTraceServiceRequest()
    for resource, scopes in grouped(spans):
        of_resource = request.resource_spans.add()
        _fill_resource(of_resource, resource)
        for scope, members in scopes:
            of_scope = of_resource.scope_spans.add()
            _fill_scope(of_scope, scope)
            of_scope.spans.extend(map(_span, members))
    return request


def encode_logs(logs: Iterable[StoredLog]) -> bytes:
    """The log records as the bytes of one ExportLogsServiceRequest."""
    request = ExportLogsServiceRequest()
    for resource, scopes in grouped(logs):
        of_resource = request.resource_logs.add()
        _fill_resource(of_resource, resource)
        for scope, members in scopes:
            of_scope = of_resource.scope_logs.add()
            _fill_scope(of_scope, scope)
            of_scope.log_records.extend(map(_log, members))
    return request.SerializeToString()  # type: ignore[no-any-return]


def _fill_resource(message: Any, resource: StoredResource) -> None:
    message.resource.attributes.extend(_attributes(resource.attributes))
    message.resource.dropped_attributes_count = _count(resource.dropped_attributes)
    message.schema_url = _text(resource.schema_url)


def _fill_scope(message: Any, scope: StoredScope) -> None:
    message.scope.name = _text(scope.name)
    message.scope.version = _text(scope.version)
    message.scope.attributes.extend(_attributes(scope.attributes))
    message.scope.dropped_attributes_count = _count(scope.dropped_attributes)
    message.schema_url = _text(scope.schema_url)


def _span(span: StoredSpan) -> Span:
    code: Any = _STATUSES.get(span.status, 0)
    return Span(
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        trace_state=_text(span.trace_state),
        parent_span_id=_id(span.parent_id or ""),
        flags=_count(span.flags),
        name=_text(span.name),
        kind=_KINDS.get(span.kind, 0),  # type: ignore[arg-type]
        start_time_unix_nano=_time(span.start_ns),
        end_time_unix_nano=_time(span.end_ns),
        attributes=_attributes(span.attributes),
        dropped_attributes_count=_count(span.dropped_attributes),
        events=map(_event, span.events),
        dropped_events_count=_count(span.dropped_events),
        links=map(_link, span.links),
        dropped_links_count=_count(span.dropped_links),
        status=Status(code=code, message=_text(span.status_message)),
    )


def _event(event: StoredEvent) -> Span.Event:
    return Span.Event(
        time_unix_nano=_time(event.time_ns),
        name=_text(event.name),
        attributes=_attributes(event.attributes),
        dropped_attributes_count=_count(event.dropped_attributes),
    )


def _link(link: StoredLink) -> Span.Link:
    return Span.Link(
        trace_id=_id(link.trace_id),
        span_id=_id(link.span_id),
        trace_state=_text(link.trace_state),
        attributes=_attributes(link.attributes),
        dropped_attributes_count=_count(link.dropped_attributes),
        flags=_count(link.flags),
    )


def _log(log: StoredLog) -> LogRecord:
    return LogRecord(
        time_unix_nano=_time(log.time_ns),
        observed_time_unix_nano=_time(log.observed_ns),
        severity_number=log.severity_number,  # type: ignore[arg-type]
        severity_text=_text(log.severity_text),
        event_name=_text(log.name),
        body=None if log.body is None else _any(log.body, 0),
        attributes=_attributes(log.attributes),
        dropped_attributes_count=_count(log.dropped_attributes),
        flags=_count(log.flags),
        trace_id=_id(log.trace_id),
        span_id=_id(log.span_id),
    )


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _time(nanoseconds: int) -> int:
    return nanoseconds if nanoseconds in TIMES else 0


def _count(number: int) -> int:
    return number & _UINT32


def _attributes(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=_text(key), value=_any(value, 0)) for key, value in attributes.items()]


def _any(value: Any, depth: int) -> AnyValue:
    if value is None:
        return AnyValue()
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=_text(value))
    if isinstance(value, int):
        if value in pieces.INT64:
            return AnyValue(int_value=value)
        return AnyValue(string_value=pieces.digits(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes | bytearray):
        return AnyValue(bytes_value=bytes(value))
    if depth >= MAX_DEPTH:
        return AnyValue(string_value=pieces.UNREADABLE)
    found = AnyValue()
    if isinstance(value, Mapping):
        # An empty one is there, too.
        found.kvlist_value.SetInParent()
        found.kvlist_value.values.extend(
            KeyValue(key=_text(str(key)), value=_any(member, depth + 1))
            for key, member in value.items()
        )
        return found
    if isinstance(value, Sequence):
        found.array_value.SetInParent()
        found.array_value.values.extend(_any(member, depth + 1) for member in value)
        return found
    return AnyValue(string_value=f"<{type(value).__name__}>")


_text = unicode.well_formed
