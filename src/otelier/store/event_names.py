"""The names of events in protobuf messages whose classes are older than the field for them.

Those of opentelemetry-proto 1.34 are; what they do not know they keep, and send on.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

_KNOWN: Final = "event_name" in LogRecord.DESCRIPTOR.fields_by_name
_NUMBER: Final = 12
# Of a field that has a length, as texts have.
_TYPE: Final = 2


def write(record: Any, name: str) -> None:
    """Give a record its event's name."""
    if _KNOWN:
        record.event_name = name
    elif name:
        record.MergeFromString(encoded(name))


def read(record: Any) -> str:
    """The name of the event that a record is; empty for one that is none."""
    return str(record.event_name) if _KNOWN else unknown(record)


def encoded(name: str) -> bytes:
    """The field as it is sent."""
    data = name.encode()
    sizes, left = [], len(data)
    while left > 0x7F:
        sizes.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([_NUMBER << 3 | _TYPE, *sizes, left]) + data


def unknown(record: Any) -> str:
    """The name of an event among what its class does not know."""
    names = [
        field.data
        for field in UnknownFieldSet(record)
        if field.field_number == _NUMBER and field.wire_type == _TYPE
    ]
    return names[-1].decode("utf-8", "replace") if names else ""
