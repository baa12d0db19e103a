"""Spans to OTLP/JSON, and back.

The encoding is the one of the OTLP specification: lowerCamelCase keys, trace and span ids in
lower-case hex, 64-bit integers as strings, bytes in base64, enums as numbers, default values left
out. A collector's ``otlpjsonfile`` receiver and ``POST /v1/traces`` take each line as it is.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind

from otelier import wire
from otelier.store.spans import StoredEvent, StoredResource, StoredScope, StoredSpan

Json = dict[str, Any]

_KINDS: Final = {kind: kind.value + 1 for kind in SpanKind}
_KIND_NAMES: Final = {number: kind.name for kind, number in _KINDS.items()}
_STATUS_NAMES: Final = {0: "UNSET", 1: "OK", 2: "ERROR"}
_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200

# Protobuf parsers give up at 100 nested messages; one level here is up to three of them.
_MAX_DEPTH: Final = 30
_INT64: Final = range(-(2**63), 2**63)
_UNREADABLE: Final = "(nested too deeply)"


# --- encoding ---------------------------------------------------------------------------------


def line(spans: Sequence[ReadableSpan]) -> bytes:
    """The spans as one line of JSON, with its line end."""
    return wire.encoded(encode(spans)) + b"\n"


def encode(spans: Sequence[ReadableSpan]) -> Json:
    """The spans as one ExportTraceServiceRequest, grouped by resource and scope."""
    groups: dict[Resource, dict[InstrumentationScope | None, list[Json]]] = {}
    for span in spans:
        scopes = groups.setdefault(span.resource, {})
        scopes.setdefault(span.instrumentation_scope, []).append(_span(span))
    return {
        "resourceSpans": [
            _without_defaults(
                {
                    "resource": _without_defaults({"attributes": _attributes(resource.attributes)}),
                    "scopeSpans": [
                        _without_defaults(
                            {
                                "scope": _scope(scope),
                                "spans": encoded,
                                "schemaUrl": _text(scope.schema_url or "") if scope else "",
                            }
                        )
                        for scope, encoded in scopes.items()
                    ],
                    "schemaUrl": _text(resource.schema_url or ""),
                }
            )
            for resource, scopes in groups.items()
        ]
    }


def _without_defaults(message: Json) -> Json:
    return {key: value for key, value in message.items() if value not in ("", 0, None, [])}


def _scope(scope: InstrumentationScope | None) -> Json:
    if scope is None:
        return {}
    return _without_defaults(
        {
            "name": _text(scope.name),
            "version": _text(scope.version or ""),
            "attributes": _attributes(scope.attributes),
        }
    )


def _span(span: ReadableSpan) -> Json:
    context = span.get_span_context()
    return _without_defaults(
        {
            **_ids(context),
            "traceState": _trace_state(context),
            "parentSpanId": format(span.parent.span_id, "016x") if span.parent else "",
            "flags": _flags(span.parent),
            "name": _text(span.name),
            "kind": _KINDS[span.kind],
            "startTimeUnixNano": _uint64(span.start_time),
            "endTimeUnixNano": _uint64(span.end_time),
            "attributes": _attributes(span.attributes),
            "droppedAttributesCount": span.dropped_attributes,
            "events": [_event(event) for event in span.events],
            "droppedEventsCount": span.dropped_events,
            "links": [_link(link) for link in span.links],
            "droppedLinksCount": span.dropped_links,
            "status": _without_defaults(
                {
                    "message": _text(span.status.description or ""),
                    "code": span.status.status_code.value,
                }
            ),
        }
    )


def _ids(context: SpanContext | None) -> Json:
    if context is None:
        return {}
    return {
        "traceId": format(context.trace_id, "032x"),
        "spanId": format(context.span_id, "016x"),
    }


def _trace_state(context: SpanContext | None) -> str:
    if context is None or not context.trace_state:
        return ""
    return ",".join(f"{key}={value}" for key, value in context.trace_state.items())


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if context is not None and context.is_remote else 0)


def _event(event: Event) -> Json:
    return _without_defaults(
        {
            "timeUnixNano": _uint64(event.timestamp),
            "name": _text(event.name),
            "attributes": _attributes(event.attributes),
            "droppedAttributesCount": event.dropped_attributes,
        }
    )


def _link(link: Link) -> Json:
    return _without_defaults(
        {
            **_ids(link.context),
            "attributes": _attributes(link.attributes),
            "droppedAttributesCount": link.dropped_attributes,
            "flags": _flags(link.context),
        }
    )


def _uint64(value: int | None) -> str:
    return str(value) if value else ""


def _attributes(attributes: Mapping[str, Any] | None) -> list[Json]:
    return [
        {"key": _text(key), "value": _any(value, 0)} for key, value in (attributes or {}).items()
    ]


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
        return {"intValue" if value in _INT64 else "stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _not_finite(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytesValue": base64.b64encode(value).decode("ascii")}
    if depth >= _MAX_DEPTH:
        return {"stringValue": _UNREADABLE}
    if isinstance(value, Mapping):
        members = [
            {"key": _text(str(key)), "value": _any(member, depth + 1)}
            for key, member in value.items()
        ]
        return {"kvlistValue": {"values": members}}
    if isinstance(value, Sequence):
        return {"arrayValue": {"values": [_any(member, depth + 1) for member in value]}}
    return {"stringValue": f"<{type(value).__name__}>"}


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(value: str) -> str:
    """The string as UTF-8 can hold it: halves of surrogate pairs are joined or replaced."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


# --- decoding ---------------------------------------------------------------------------------


def decode(line: bytes | str) -> Iterator[StoredSpan]:
    """The spans of one line. Raises ValueError if the line is no JSON object.

    What is missing or of a wrong type inside becomes empty; other signals give no spans.
    """
    try:
        request = wire.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ValueError("not a JSON object")
    return _spans(request)


def _spans(request: Json) -> Iterator[StoredSpan]:
    for resource_spans in _objects(request, "resourceSpans"):
        resource = StoredResource(_read_attributes(_object(resource_spans, "resource")))
        for scope_spans in _objects(resource_spans, "scopeSpans"):
            scope = StoredScope(_string(_object(scope_spans, "scope"), "name"))
            for span in _objects(scope_spans, "spans"):
                yield _read_span(span, scope, resource)


def _read_span(span: Json, scope: StoredScope, resource: StoredResource) -> StoredSpan:
    status = _object(span, "status")
    return StoredSpan(
        trace_id=_string(span, "traceId").lower(),
        span_id=_string(span, "spanId").lower(),
        parent_id=_string(span, "parentSpanId").lower() or None,
        name=_string(span, "name"),
        kind=_KIND_NAMES.get(_integer(span.get("kind")), "INTERNAL"),
        start_ns=_integer(span.get("startTimeUnixNano")),
        end_ns=_integer(span.get("endTimeUnixNano")),
        attributes=_read_attributes(span),
        status=_STATUS_NAMES.get(_integer(status.get("code")), "UNSET"),
        status_message=_string(status, "message"),
        events=tuple(
            StoredEvent(
                _string(event, "name"),
                _integer(event.get("timeUnixNano")),
                _read_attributes(event),
            )
            for event in _objects(span, "events")
        ),
        scope=scope,
        resource=resource,
        flags=_integer(span.get("flags")),
    )


def _read_attributes(owner: Json) -> Json:
    return {
        _string(pair, "key"): _value(pair.get("value")) for pair in _objects(owner, "attributes")
    }


def _value(any_value: Any) -> Any:
    """What an AnyValue holds; None if it holds nothing that can be read."""
    if not isinstance(any_value, dict):
        return None
    for key, read in _READERS.items():
        if key in any_value:
            try:
                return read(any_value[key])
            except (TypeError, ValueError, AttributeError, OverflowError, RecursionError):
                return None
    return None


def _read_array(value: Any) -> list[Any]:
    return [_value(member) for member in value.get("values", ())]


def _read_map(value: Any) -> Json:
    return {_string(pair, "key"): _value(pair.get("value")) for pair in _objects(value, "values")}


def _read_bytes(value: Any) -> bytes:
    return base64.b64decode(value)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,
    "arrayValue": _read_array,
    "kvlistValue": _read_map,
    "bytesValue": _read_bytes,
}


def _objects(owner: Json, key: str) -> Iterator[Json]:
    members = owner.get(key)
    if isinstance(members, list):
        yield from (member for member in members if isinstance(member, dict))


def _object(owner: Json, key: str) -> Json:
    member = owner.get(key)
    return member if isinstance(member, dict) else {}


def _string(owner: Json, key: str) -> str:
    value = owner.get(key)
    return value if isinstance(value, str) else ""


def _integer(value: Any) -> int:
    """An integer that JSON holds as a number or, where it has 64 bits, as a string."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
