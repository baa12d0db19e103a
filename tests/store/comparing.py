"""What is compared in the tests of the store, in forms that can be."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf import json_format  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otelier import wire

_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def message(line: bytes) -> ExportTraceServiceRequest:
    """A line of OTLP/JSON as protobuf's own reader of JSON reads it."""
    # It has ids in base64, where OTLP's has hex.
    request = ExportTraceServiceRequest()
    return json_format.ParseDict(with_base64_ids(wire.loads(line)), request)  # type: ignore[no-any-return]


def with_base64_ids(value: Any) -> Any:
    """OTLP's JSON with ids as protobuf's own JSON has them."""
    if isinstance(value, list):
        return [with_base64_ids(member) for member in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(member)).decode("ascii")
        if key in _IDS and isinstance(member, str)
        else with_base64_ids(member)
        for key, member in value.items()
    }


def plain(value: Any) -> Any:
    """A stored span, log or value, to compare: with its types, NaN like itself, -0.0 unlike 0.0."""
    if dataclasses.is_dataclass(value):
        return [
            (field.name, plain(getattr(value, field.name))) for field in dataclasses.fields(value)
        ]
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(member) for member in value]
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else repr(value))
    return (type(value).__name__, value)
