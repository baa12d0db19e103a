"""OTLP/protobuf as spans and log records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier.store.otlp_json_reading import named_by
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

_Request = TypeVar("_Request", bound=Message)


def decode(data: bytes) -> list[StoredSpan]:
    """The spans of an ExportTraceServiceRequest. Raises ValueError for what is none."""
    return [
        _span(span, scope, resource)
        for of_resource in _parsed(ExportTraceServiceRequest, data).resource_spans
        for resource in (_resource(of_resource),)
        for of_scope in of_resource.scope_spans
        for scope in (_scope(of_scope),)
        for span in of_scope.spans
    ]


def decode_logs(data: bytes) -> list[StoredLog]:
    """The log records of an ExportLogsServiceRequest. Raises ValueError for what is none."""
    return [
        _log(log, scope, resource)
        for of_resource in _parsed(ExportLogsServiceRequest, data).resource_logs
        for resource in (_resource(of_resource),)
        for of_scope in of_resource.scope_logs
        for scope in (_scope(of_scope),)
        for log in of_scope.log_records
    ]


def _parsed(kind: type[_Request], data: bytes) -> _Request:
    try:
        return kind.FromString(data)  # type: ignore[no-any-return]
    except DecodeError as error:
        raise ValueError(f"not OTLP: {error}") from None


def _resource(found: Any) -> StoredResource:
    about = found.resource
    return StoredResource(
        _attributes(about.attributes), found.schema_url, about.dropped_attributes_count
    )


def _scope(found: Any) -> StoredScope:
    about = found.scope
    return StoredScope(
        about.name,
        about.version,
        _attributes(about.attributes),
        about.dropped_attributes_count,
        found.schema_url,
    )


def _span(span: Any, scope: StoredScope, resource: StoredResource) -> StoredSpan:
    return StoredSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=_named(KINDS, span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        status=_named(STATUSES, span.status.code),
        status_message=span.status.message,
        events=tuple(
            StoredEvent(
                event.name,
                event.time_unix_nano,
                _attributes(event.attributes),
                event.dropped_attributes_count,
            )
            for event in span.events
        ),
        links=tuple(
            StoredLink(
                link.trace_id.hex(),
                link.span_id.hex(),
                _attributes(link.attributes),
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


def _log(log: Any, scope: StoredScope, resource: StoredResource) -> StoredLog:
    attributes = _attributes(log.attributes)
    return StoredLog(
        name=log.event_name or named_by(attributes),
        time_ns=log.time_unix_nano,
        observed_ns=log.observed_time_unix_nano,
        body=_value(log.body),
        severity_number=log.severity_number,
        severity_text=log.severity_text,
        trace_id=log.trace_id.hex(),
        span_id=log.span_id.hex(),
        flags=log.flags,
        attributes=attributes,
        scope=scope,
        resource=resource,
        dropped_attributes=log.dropped_attributes_count,
    )


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else names[0]


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(any_value: Any) -> Any:
    """What an AnyValue holds; protobuf itself has bounded how deep it goes."""
    which = any_value.WhichOneof("value")
    if which is None:
        return None
    found = getattr(any_value, which)
    read = _READERS.get(which)
    return found if read is None else read(found)


def _read_array(found: Any) -> list[Any]:
    return [_value(member) for member in found.values]


def _read_map(found: Any) -> dict[str, Any]:
    return _attributes(found.values)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "array_value": _read_array,
    "kvlist_value": _read_map,
}
