"""OTLP/JSON as spans and log records. What comes from elsewhere may hold anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from otelier import unicode, wire
from otelier.store import pieces
from otelier.store.bodies import TIMES
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

# What a log record was named by before it had a field for it.
EVENT_NAME: Final = "event.name"
_UINT32: Final = range(1 << 32)
_INT32: Final = range(-(1 << 31), 1 << 31)


def decode(line: bytes | str) -> Iterator[StoredSpan]:
    """The spans of one line or request. Raises ValueError if it is no JSON object.

    What is missing or of a wrong type inside becomes empty; other signals give no spans.
    """
    return _spans(_request(line))


def decode_logs(line: bytes | str) -> Iterator[StoredLog]:
    """The log records of one line or request. Raises ValueError if it is no JSON object."""
    return _logs(_request(line))


def _request(line: bytes | str) -> Json:
    try:
        request = _loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ValueError("not a JSON object")
    return request


def _loads(line: bytes | str) -> Any:
    try:
        return wire.loads(line)
    except ValueError:
        # Half of a surrogate pair, say, which Python's own reader takes.
        if (b"\\ud" if isinstance(line, bytes) else "\\ud") not in line.lower():  # type: ignore[operator]
            raise
        return json.loads(line)


def _spans(request: Json) -> Iterator[StoredSpan]:
    for of_resource in _objects(request, "resourceSpans"):
        resource = _resource(of_resource)
        for of_scope in _objects(of_resource, "scopeSpans"):
            scope = _scope(of_scope)
            for span in _objects(of_scope, "spans"):
                yield _span(span, scope, resource)


def _logs(request: Json) -> Iterator[StoredLog]:
    for of_resource in _objects(request, "resourceLogs"):
        resource = _resource(of_resource)
        for of_scope in _objects(of_resource, "scopeLogs"):
            scope = _scope(of_scope)
            for log in _objects(of_scope, "logRecords"):
                yield _log(log, scope, resource)


def _resource(found: Json) -> StoredResource:
    about = _object(found, "resource")
    return StoredResource(_attributes(about), _string(found, "schemaUrl"), _dropped(about))


def _scope(found: Json) -> StoredScope:
    about = _object(found, "scope")
    return StoredScope(
        _string(about, "name"),
        _string(about, "version"),
        _attributes(about),
        _dropped(about),
        _string(found, "schemaUrl"),
    )


def _span(span: Json, scope: StoredScope, resource: StoredResource) -> StoredSpan:
    status = _object(span, "status")
    return StoredSpan(
        trace_id=_string(span, "traceId").lower(),
        span_id=_string(span, "spanId").lower(),
        parent_id=_string(span, "parentSpanId").lower() or None,
        name=_string(span, "name"),
        kind=_named(KINDS, span.get("kind")),
        start_ns=_integer(span.get("startTimeUnixNano"), TIMES),
        end_ns=_integer(span.get("endTimeUnixNano"), TIMES),
        attributes=_attributes(span),
        status=_named(STATUSES, status.get("code")),
        status_message=_string(status, "message"),
        events=tuple(map(_event, _objects(span, "events"))),
        links=tuple(map(_link, _objects(span, "links"))),
        scope=scope,
        resource=resource,
        trace_state=_string(span, "traceState"),
        flags=_integer(span.get("flags"), _UINT32),
        dropped_attributes=_dropped(span),
        dropped_events=_integer(span.get("droppedEventsCount"), _UINT32),
        dropped_links=_integer(span.get("droppedLinksCount"), _UINT32),
    )


def _event(event: Json) -> StoredEvent:
    return StoredEvent(
        _string(event, "name"),
        _integer(event.get("timeUnixNano"), TIMES),
        _attributes(event),
        _dropped(event),
    )


def _link(link: Json) -> StoredLink:
    return StoredLink(
        _string(link, "traceId").lower(),
        _string(link, "spanId").lower(),
        _attributes(link),
        _string(link, "traceState"),
        _integer(link.get("flags"), _UINT32),
        _dropped(link),
    )


def _log(log: Json, scope: StoredScope, resource: StoredResource) -> StoredLog:
    attributes = _attributes(log)
    return StoredLog(
        name=_string(log, "eventName") or named_by(attributes),
        time_ns=_integer(log.get("timeUnixNano"), TIMES),
        observed_ns=_integer(log.get("observedTimeUnixNano"), TIMES),
        body=_value(log.get("body"), 0),
        severity_number=_integer(log.get("severityNumber"), _INT32),
        severity_text=_string(log, "severityText"),
        trace_id=_string(log, "traceId").lower(),
        span_id=_string(log, "spanId").lower(),
        flags=_integer(log.get("flags"), _UINT32),
        attributes=attributes,
        scope=scope,
        resource=resource,
        dropped_attributes=_dropped(log),
    )


def named_by(attributes: Mapping[str, Any]) -> str:
    """The name that an event without one has by its attributes."""
    name = attributes.get(EVENT_NAME)
    return name if isinstance(name, str) else ""


def _named(names: tuple[str, ...], number: Any) -> str:
    return names[_integer(number, range(len(names)))]


def _dropped(owner: Json) -> int:
    return _integer(owner.get("droppedAttributesCount"), _UINT32)


def _attributes(owner: Json) -> Json:
    return _pairs(owner, "attributes", 0)


def _pairs(owner: Json, key: str, depth: int) -> Json:
    return {_string(pair, "key"): _value(pair.get("value"), depth) for pair in _objects(owner, key)}


def _value(any_value: Any, depth: int) -> Any:
    """What an AnyValue holds; None if it holds nothing that can be read."""
    if not isinstance(any_value, dict):
        return None
    if depth >= pieces.DEEPEST:
        return pieces.UNREADABLE
    for key, read in _READERS.items():
        if key in any_value:
            try:
                return read(any_value[key], depth + 1)
            except (TypeError, ValueError, AttributeError, OverflowError):
                return None
    return None


def _read_text(value: Any, _: int) -> str | None:
    return unicode.well_formed(value) if isinstance(value, str) else None


def _read_truth(value: Any, _: int) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_integer(value: Any, _: int) -> int | str:
    number = int(value)
    # What is no integer of 64 bits is kept as the text that it is.
    return number if number in pieces.INT64 else str(number)


def _read_double(value: Any, _: int) -> float:
    return float(value)


def _read_array(value: Any, depth: int) -> list[Any]:
    return [_value(member, depth) for member in value.get("values") or ()]


def _read_map(value: Any, depth: int) -> Json:
    return _pairs(value, "values", depth)


def _read_bytes(value: Any, _: int) -> bytes:
    return base64.b64decode(value, validate=True)


_READERS: Final[Mapping[str, Callable[[Any, int], Any]]] = {
    "stringValue": _read_text,
    "boolValue": _read_truth,
    "intValue": _read_integer,
    "doubleValue": _read_double,
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
    return unicode.well_formed(value) if isinstance(value, str) else ""


def _integer(value: Any, within: range) -> int:
    """An integer that JSON holds as a number or, where it has 64 bits, as a string; else 0."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if number in within else 0
