"""A line of OTLP/JSON as OTLP/protobuf, for receivers that take no JSON."""

from __future__ import annotations

import base64
from typing import Any, Final

from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier import wire

_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def message(line: bytes | str) -> ExportTraceServiceRequest:
    """The line's spans as a protobuf message. Raises ValueError for anything else."""
    # Protobuf's own JSON has ids in base64, where OTLP's has hex.
    data = _with_base64_ids(wire.loads(line))
    request = ExportTraceServiceRequest()
    try:
        json_format.ParseDict(data, request, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise ValueError(str(error)) from None
    return request


def _with_base64_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_base64_ids(member) for member in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(member)).decode("ascii")
        if key in _IDS and isinstance(member, str)
        else _with_base64_ids(member)
        for key, member in value.items()
    }
