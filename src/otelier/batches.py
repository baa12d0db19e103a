"""How large telemetry is on the wire, and batches that fit what a receiver takes.

OpenTelemetry's batch processors count spans; receivers count bytes. The usual limit is 4 MiB a
request (gRPC's default, and many gateways'), and what is over it is refused as a whole. Sizes here
are upper bounds of the protobuf encoding (https://protobuf.dev/programming-guides/encoding/), so
that a batch that fits by them does fit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

# Tags and lengths around a key and its value: two messages in one another, each at most 1 + 5.
_PAIR: Final = 24
# The same around a member of a list.
_MEMBER: Final = 12
_NUMBER: Final = 10
# Ids, times, kind, flags and counts, with their tags.
_SPAN: Final = 160
_EVENT: Final = 48
_LINK: Final = 80
_HEAD: Final = 64
_TOO_LARGE: Final = 413
# grpc's words, "Received message larger than max (5 vs. 4)"; quotas have the same code.
_LARGER: Final = "larger than max"


def of_text(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def of_value(value: Any) -> int:
    """Bytes of an attribute's value: a text, a number, bytes, or lists and mappings of those."""
    if isinstance(value, str):
        return of_text(value)
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return of_attributes(value)
    if isinstance(value, list | tuple):
        return sum(of_value(member) + _MEMBER for member in value)
    return _NUMBER


def of_attributes(attributes: Mapping[str, Any] | None) -> int:
    """Bytes of attributes."""
    if not attributes:
        return 0
    return sum(of_text(str(name)) + of_value(value) + _PAIR for name, value in attributes.items())


def of_span(span: Any) -> int:
    """Bytes of a finished span, without its resource and scope."""
    size = _SPAN + of_text(span.name) + of_attributes(span.attributes)
    message = span.status.description
    if message:
        size += of_text(message)
    state = span.context.trace_state if span.context is not None else None
    for name, value in (state or {}).items():
        size += len(name) + len(value) + 2
    for event in span.events or ():
        size += of_event(event)
    for link in span.links or ():
        size += _LINK + of_attributes(link.attributes)
    return size


def of_event(event: Any) -> int:
    """Bytes of one event of a span."""
    return _EVENT + of_text(event.name) + of_attributes(event.attributes)


def of_log(item: Any) -> int:
    """Bytes of a log record, without its resource and scope."""
    record = item.log_record
    name = getattr(record, "event_name", None)
    return (
        _SPAN
        + of_value(record.body)
        + of_text(record.severity_text or "")
        + of_text(name or "")
        + of_attributes(record.attributes)
    )


def of_head(item: Any) -> int:
    """Bytes of the resource and the scope that stand once before all that have them."""
    return _resource(item) + _scope(item)


def _resource(item: Any) -> int:
    # Of log records of OpenTelemetry before 1.39 the resource is inside.
    resource = getattr(item, "resource", None) or getattr(
        getattr(item, "log_record", None), "resource", None
    )
    if resource is None:
        return _HEAD
    return _HEAD + len(resource.schema_url or "") + of_attributes(resource.attributes)


def _scope(item: Any) -> int:
    scope = item.instrumentation_scope
    if scope is None:
        return _HEAD
    size = _HEAD + len(scope.name or "") + len(scope.version or "") + len(scope.schema_url or "")
    return size + of_attributes(getattr(scope, "attributes", None))


def split(
    items: Sequence[Any], size_of: Callable[[Any], int], limit: int
) -> Iterator[tuple[Sequence[Any], int]]:
    """``items`` in order, in batches of at most ``limit`` bytes, each with its size.

    An item that is larger alone is a batch of its own.
    """
    batch: list[Any] = []
    size = 0
    heads: set[tuple[int, int]] = set()
    for item in items:
        own = size_of(item)
        head = (id(getattr(item, "resource", None)), id(item.instrumentation_scope))
        needed = own if head in heads else own + of_head(item)
        if batch and size + needed > limit:
            yield batch, size
            batch, size, heads = [], 0, set()
            needed = own + of_head(item)
        batch.append(item)
        heads.add(head)
        size += needed
    if batch:
        yield batch, size


def too_large(record: logging.LogRecord) -> bool:
    """Whether an exporter's log record says that the receiver refused a request for its size."""
    values = record.args if isinstance(record.args, tuple) else ()
    for value in values:
        if type(value) is int and value == _TOO_LARGE:
            return True
        if isinstance(value, str) and _LARGER in value:
            return True
    return False
