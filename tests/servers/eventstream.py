"""The binary AWS event-stream encoding, as the streams of Bedrock use it."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from .replies import encode_json

EVENTSTREAM_TYPE = "application/vnd.amazon.eventstream"


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame: lengths, CRC of the lengths, string headers, payload, CRC of all before."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    lengths = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    message = lengths + struct.pack("!I", zlib.crc32(lengths)) + block + payload
    return message + struct.pack("!I", zlib.crc32(message))


def chunk_frame(event: dict[str, Any]) -> bytes:
    """A model event, inside the `chunk` event of InvokeModelWithResponseStream."""
    payload = {"bytes": base64.b64encode(encode_json(event)).decode(), "p": "abcdefgh"}
    headers = {":event-type": "chunk", ":content-type": "application/json"}
    return frame({**headers, ":message-type": "event"}, encode_json(payload))


def exception_frame(name: str, message: str) -> bytes:
    """An exception in the middle of a stream, for instance `throttlingException`."""
    headers = {":exception-type": name, ":content-type": "application/json"}
    return frame({**headers, ":message-type": "exception"}, encode_json({"message": message}))


def _header(name: str, value: str) -> bytes:
    key, data = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", 7, len(data)) + data
