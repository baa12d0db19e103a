"""Log records to OTLP's protobuf messages, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otelier.store import event_names
from otelier.store.json_values import text
from otelier.store.logs import named, severity
from otelier.store.otlp import uint32, uint64
from otelier.store.otlp_proto import grouped, parsed, ungrouped
from otelier.store.proto_values import (
    id_bytes,
    identity,
    read,
    read_attributes,
    write,
    write_attributes,
)
from otelier.store.spans import StoredLog, StoredResource, StoredScope


def encode(logs: Iterable[StoredLog]) -> bytes:
    """The records as one ExportLogsServiceRequest, grouped by resource and scope."""
    request = ExportLogsServiceRequest()
    grouped(logs, request.resource_logs, "scope_logs", "log_records", _write_log)
    return bytes(request.SerializeToString())


def decode(data: bytes) -> list[StoredLog]:
    """The records of an ExportLogsServiceRequest. Raises ValueError if it is none."""
    request = parsed(ExportLogsServiceRequest, data)
    return list(ungrouped(request.resource_logs, "scope_logs", "log_records", _read_log))


def _write_log(target: Any, log: StoredLog) -> None:
    target.time_unix_nano = uint64(log.time_ns)
    target.observed_time_unix_nano = uint64(log.observed_ns)
    target.severity_number = severity(log.severity)
    target.severity_text = text(log.severity_text)
    if log.body is not None:
        write(target.body, log.body)
    write_attributes(target.attributes, log.attributes)
    target.dropped_attributes_count = uint32(log.dropped_attributes)
    target.flags = uint32(log.flags)
    target.trace_id = id_bytes(log.trace_id)
    target.span_id = id_bytes(log.span_id)
    event_names.write(target, text(log.name))


def _read_log(log: Any, scope: StoredScope, resource: StoredResource) -> StoredLog:
    found = read_attributes(log.attributes)
    return StoredLog(
        time_ns=log.time_unix_nano,
        observed_ns=log.observed_time_unix_nano,
        name=named(event_names.read(log), found),
        body=read(log.body),
        severity=severity(log.severity_number),
        severity_text=log.severity_text,
        trace_id=identity(log.trace_id),
        span_id=identity(log.span_id),
        flags=log.flags,
        attributes=found,
        scope=scope,
        resource=resource,
        dropped_attributes=log.dropped_attributes_count,
    )
