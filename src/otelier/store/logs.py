"""Log records, which events are: from the SDK, and to and from OTLP/JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from otelier import guard, wire
from otelier.store.json_values import (
    Json,
    any_value,
    attributes,
    digits,
    identity,
    integer,
    member,
    read_attributes,
    read_value,
    request,
    string,
    text,
    without_defaults,
)
from otelier.store.otlp import uint32, uint64
from otelier.store.otlp_json import grouped, ungrouped
from otelier.store.spans import (
    StoredLog,
    StoredResource,
    StoredScope,
    resource_of,
    scope_of,
    time_of,
)

# SEVERITY_NUMBER_FATAL4.
_MOST_SEVERE: Final = 24
# Before the SDK's records had names, its events told theirs so.
_NAME: Final = "event.name"
# Names of the events that a store keeps begin so.
KEPT: Final = "gen_ai."


def stored_log(data: Any) -> StoredLog:
    """The SDK's record as a :class:`StoredLog`, whatever class this SDK gives to its exporters.

    Until 1.38 that is ``LogData``, whose record has the resource; since then ``ReadableLogRecord``.
    """
    record = data.log_record
    resource = getattr(data, "resource", None) or getattr(record, "resource", None)
    owner = data if hasattr(data, "dropped_attributes") else record
    found = record.attributes or {}
    severity = record.severity_number
    return StoredLog(
        time_ns=time_of(record.timestamp),
        observed_ns=time_of(record.observed_timestamp),
        name=named(getattr(record, "event_name", None), found),
        body=record.body,
        severity=int(severity.value) if severity is not None else 0,
        severity_text=record.severity_text or "",
        trace_id=format(record.trace_id, "032x") if record.trace_id else "",
        span_id=format(record.span_id, "016x") if record.span_id else "",
        flags=int(record.trace_flags or 0),
        attributes=found,
        scope=scope_of(data.instrumentation_scope),
        resource=resource_of(resource) if resource is not None else StoredResource(),
        dropped_attributes=getattr(owner, "dropped_attributes", 0),
    )


def stored_events(batch: Iterable[Any]) -> list[StoredLog]:
    """Those of the SDK's records that a store keeps."""
    found = []
    for data in batch:
        try:
            log = stored_log(data)
        except Exception:
            # The SDK takes anything; one record that is none takes no other with it.
            guard.failed("store.event")
            continue
        if is_kept(log):
            found.append(log)
    return found


def is_kept(log: StoredLog) -> bool:
    """Whether a store keeps it: the events of the conventions for GenAI, and nothing else."""
    return log.name.startswith(KEPT)


def named(name: Any, attributes: Mapping[str, Any]) -> str:
    """An event's name, which older senders have in an attribute; empty for what is no event."""
    found = name or attributes.get(_NAME)
    return found if isinstance(found, str) else ""


def severity(number: int) -> int:
    """A severity's number; 0, which is unspecified, for what is none."""
    return number if 0 <= number <= _MOST_SEVERE else 0


def line(logs: Iterable[StoredLog]) -> bytes:
    """The records as one line of JSON, with its line end."""
    return wire.encoded(encode(logs)) + b"\n"


def encode(logs: Iterable[StoredLog]) -> Json:
    """The records as one ExportLogsServiceRequest, grouped by resource and scope."""
    return grouped(logs, "resourceLogs", "scopeLogs", "logRecords", _log)


def decode(line: bytes | str) -> Iterator[StoredLog]:
    """The records of one line. Raises ValueError if the line is no JSON object.

    What is missing or of a wrong type inside becomes empty; other signals give no records.
    """
    return ungrouped(request(line), "resourceLogs", "scopeLogs", "logRecords", _read_log)


def _log(log: StoredLog) -> Json:
    return without_defaults(
        {
            "timeUnixNano": digits(uint64(log.time_ns)),
            "observedTimeUnixNano": digits(uint64(log.observed_ns)),
            "severityNumber": severity(log.severity),
            "severityText": text(log.severity_text),
            "body": any_value(log.body) or None,
            "attributes": attributes(log.attributes),
            "droppedAttributesCount": uint32(log.dropped_attributes),
            "flags": uint32(log.flags),
            "traceId": text(log.trace_id),
            "spanId": text(log.span_id),
            "eventName": text(log.name),
        }
    )


def _read_log(log: Json, scope: StoredScope, resource: StoredResource) -> StoredLog:
    found = read_attributes(log)
    return StoredLog(
        time_ns=uint64(integer(log, "timeUnixNano")),
        observed_ns=uint64(integer(log, "observedTimeUnixNano")),
        name=named(string(log, "eventName"), found),
        body=read_value(member(log, "body")),
        severity=severity(integer(log, "severityNumber")),
        severity_text=string(log, "severityText"),
        trace_id=identity(log, "traceId"),
        span_id=identity(log, "spanId"),
        flags=uint32(integer(log, "flags")),
        attributes=found,
        scope=scope,
        resource=resource,
        dropped_attributes=uint32(integer(log, "droppedAttributesCount")),
    )
