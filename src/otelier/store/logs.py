"""Log records of the SDK as plain data.

Until its version 1.39 the SDK had ``LogData`` around a record of its own, which holds the resource
and what was dropped; since then the record is the API's, and what is around it holds these.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from otelier.store.otlp_json_reading import named_by
from otelier.store.spans import EVENTS, StoredLog, StoredResource, stored_resource, stored_scope


def stored_log(found: Any) -> StoredLog:
    """What an exporter of log records is given as a :class:`StoredLog`. Values are shared."""
    record = found.log_record
    attributes = record.attributes or {}
    resource = _either(found, record, "resource")
    severity = record.severity_number
    return StoredLog(
        name=getattr(record, "event_name", None) or named_by(attributes),
        time_ns=record.timestamp or 0,
        observed_ns=record.observed_timestamp or 0,
        body=record.body,
        severity_number=severity.value if severity is not None else 0,
        severity_text=record.severity_text or "",
        trace_id=format(record.trace_id, "032x") if record.trace_id else "",
        span_id=format(record.span_id, "016x") if record.span_id else "",
        flags=int(record.trace_flags or 0),
        attributes=attributes,
        scope=stored_scope(found.instrumentation_scope),
        resource=stored_resource(resource) if resource is not None else StoredResource(),
        dropped_attributes=_either(found, record, "dropped_attributes") or 0,
    )


def stored_events(batch: Iterable[Any]) -> list[StoredLog]:
    """Those of the log records that a store keeps."""
    return [log for log in map(stored_log, batch) if log.name.startswith(EVENTS)]


def _either(found: Any, record: Any, name: str) -> Any:
    told = getattr(found, name, None)
    return getattr(record, name, None) if told is None else told
