"""Rows of the table that the collector's exporter fills, as whole spans.

The exporter keeps all attributes as texts. Those of which the conventions say that they are no
texts are read again; others, such as a program's own, stay what the table has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from otelier import semconv, wire
from otelier.store import rows
from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredResource,
    StoredScope,
    StoredSpan,
)

# What was delivered twice is told once. The SDKs of some share an id between client and server.
TRACE: Final = """
SELECT
    Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ResourceAttributes,
    ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage,
    Events.Timestamp, Events.Name, Events.Attributes,
    Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes
FROM otel.otel_traces
WHERE TraceId = :trace_id
ORDER BY Timestamp
LIMIT 1 BY SpanId, SpanKind
"""


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _list(text: str) -> list[Any]:
    found = wire.loads(text)
    if not isinstance(found, list):
        raise ValueError(text)
    return found


_TYPES: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(
        (
            semconv.SERVER_PORT,
            semconv.HTTP_STATUS,
            semconv.REQUEST_MAX_TOKENS,
            semconv.REQUEST_SEED,
            semconv.REQUEST_CHOICE_COUNT,
            semconv.EMBEDDINGS_DIMENSIONS,
            semconv.EMBEDDINGS_INPUTS,
            semconv.RETRIEVAL_TOP_K,
            semconv.CONTENT_TRUNCATED_CHARACTERS,
            semconv.CONTENT_DROPPED_MESSAGES,
            semconv.COUNTED_TOKENS,
            semconv.WEB_SEARCHES,
            semconv.FILE_SEARCHES,
            semconv.UNPRICED_CALLS,
            semconv.UNCOUNTED_CALLS,
        ),
        int,
    ),
    **dict.fromkeys(
        (
            semconv.REQUEST_TEMPERATURE,
            semconv.REQUEST_TOP_P,
            semconv.REQUEST_TOP_K,
            semconv.REQUEST_FREQUENCY_PENALTY,
            semconv.REQUEST_PRESENCE_PENALTY,
            semconv.RESPONSE_TIME_TO_FIRST_CHUNK,
            semconv.COST,
            semconv.COST_TOTAL,
            semconv.COST_STEP,
            semconv.COST_INPUT,
            semconv.COST_OUTPUT,
            semconv.COST_CACHE_READ,
            semconv.COST_CACHE_WRITE,
            semconv.AUDIO_SECONDS,
        ),
        float,
    ),
    **dict.fromkeys(
        (
            semconv.REQUEST_STREAM,
            semconv.CONVERSATION_COMPACTED,
            semconv.COST_PARTIAL,
            semconv.CONTENT_TRUNCATED,
            semconv.BACKGROUND,
        ),
        _flag,
    ),
    **dict.fromkeys(
        (
            semconv.RESPONSE_FINISH_REASONS,
            semconv.REQUEST_STOP_SEQUENCES,
            semconv.REQUEST_ENCODING_FORMATS,
            semconv.TAGS,
        ),
        _list,
    ),
}
_TOKENS: Final = "_tokens"


def attributes(found: Mapping[str, str]) -> dict[str, Any]:
    """Attributes with their types, as far as these are known."""
    return {name: _value(name, text) for name, text in found.items()}


def _value(name: str, text: str) -> Any:
    read = int if name.endswith(_TOKENS) else _TYPES.get(name)
    if read is None:
        return text
    try:
        return read(text)
    except (ValueError, RecursionError):
        return text


def span(row: Mapping[str, Any]) -> StoredSpan:
    """A row of :data:`TRACE` as a span. Flags and counts of what was dropped are not in it."""
    start = rows.nanoseconds(row["Timestamp"])
    return StoredSpan(
        trace_id=row["TraceId"],
        span_id=row["SpanId"],
        parent_id=row["ParentSpanId"] or None,
        name=row["SpanName"],
        kind=_one_of(KINDS, row["SpanKind"]),
        start_ns=start,
        end_ns=start + row["Duration"],
        attributes=attributes(row["SpanAttributes"]),
        status=_one_of(STATUSES, row["StatusCode"]),
        status_message=row["StatusMessage"],
        events=tuple(
            StoredEvent(name, rows.nanoseconds(time), attributes(found))
            for name, time, found in _side_by_side(row, "Events", "Name", "Timestamp", "Attributes")
        ),
        links=tuple(
            StoredLink(trace_id, span_id, attributes(found), state)
            for trace_id, span_id, found, state in _side_by_side(
                row, "Links", "TraceId", "SpanId", "Attributes", "TraceState"
            )
        ),
        scope=StoredScope(row["ScopeName"], row["ScopeVersion"]),
        resource=StoredResource(attributes(row["ResourceAttributes"])),
        trace_state=row["TraceState"],
    )


def _one_of(names: tuple[str, ...], told: str) -> str:
    """The exporter writes ``Client``; the older ``SPAN_KIND_CLIENT``."""
    word = told.rpartition("_")[2].upper()
    return word if word in names else names[0]


def _side_by_side(row: Mapping[str, Any], nested: str, *members: str) -> Any:
    return zip(*(row[f"{nested}.{member}"] for member in members), strict=True)
