"""OTLP/JSON as protobuf's own library reads it: what ours is compared with."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def message(line: bytes, kind: Any = ExportTraceServiceRequest) -> Any:
    """The line as a message; unknown fields and wrong types raise."""
    # Protobuf's own JSON has ids in base64, where OTLP's has hex.
    return json_format.ParseDict(_with_base64_ids(json.loads(line)), kind())


def logs_message(line: bytes) -> Any:
    """The same of logs."""
    return message(line, ExportLogsServiceRequest)


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
