"""OTLP by hand: spans of requests as plain values, and requests of spans made here."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.running import opened

Sent = dict[str, Any]
_KINDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
# Numbers that no two spans of a run share, and the first bytes of ids: zeros are left out by some.
_ids = count(1)
_FIRST = b"\x5e\xed"


def plain(given: Any) -> Any:
    """The Python value of OTLP's, of protobuf or of JSON with names of either style."""
    if isinstance(given, AnyValue):
        kind = given.WhichOneof("value") or ""
        found = getattr(given, kind) if kind else None
        members = found.values if kind in ("array_value", "kvlist_value") else ()
    else:
        ((kind, found),) = given.items() or (("", None),)
        members = found.get("values", ()) if isinstance(found, dict) else ()
    kind = kind.replace("_", "").lower()
    if kind == "arrayvalue":
        return [plain(each) for each in members]
    if kind == "kvlistvalue":
        return attributes(members)
    # JSON has whole numbers as texts.
    return int(found) if kind == "intvalue" else found


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """OTLP's attributes as a dict."""
    return {
        each["key"] if isinstance(each, dict) else each.key: plain(
            each["value"] if isinstance(each, dict) else each.value
        )
        for each in pairs
    }


def spans_of(body: bytes) -> list[Sent]:
    """The spans of an export request in protobuf."""
    return [
        {
            "trace_id": span.trace_id.hex(),
            "span_id": span.span_id.hex(),
            "parent_id": span.parent_span_id.hex(),
            "name": span.name,
            "error": span.status.code == span.status.STATUS_CODE_ERROR,
            "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            "attributes": attributes(span.attributes),
            "resource": resource,
        }
        for each in ExportTraceServiceRequest.FromString(body).resource_spans
        for resource in [attributes(each.resource.attributes)]
        for scope in each.scope_spans
        for span in scope.spans
    ]


def spans_of_json(text: str) -> list[Sent]:
    """The same of JSON, a request on each line."""
    return [span for line in text.splitlines() for span in _spans(json.loads(line))]


def _spans(request: dict[str, Any]) -> Iterator[Sent]:
    # Tempo's API has them so.
    request = request.get("trace", request)
    for each in request.get("resourceSpans", ()):
        resource = attributes(each["resource"].get("attributes", ()))
        for scope in each["scopeSpans"]:
            for span in scope["spans"]:
                took = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
                yield {
                    "trace_id": _hex(span["traceId"]),
                    "span_id": _hex(span["spanId"]),
                    "parent_id": _hex(span.get("parentSpanId", "")),
                    "name": span["name"],
                    "error": span.get("status", {}).get("code") in (2, "STATUS_CODE_ERROR"),
                    "seconds": took / 1e9,
                    "attributes": attributes(span.get("attributes", ())),
                    "resource": resource,
                }


def _hex(told: str) -> str:
    """An id; Tempo has them in base64, 12 or 24 characters where hexadecimal are 16 or 32."""
    return base64.b64decode(told).hex() if len(told) in (12, 24) else told


def dotted(names: dict[str, Any]) -> dict[str, Any]:
    """Attributes by their names, in which ``__`` stands for a dot."""
    return {name.replace("__", "."): value for name, value in names.items()}


def add(pairs: Any, given: dict[str, Any]) -> None:
    """Add attributes to those of protobuf."""
    for key, value in given.items():
        setattr(pairs.add(key=key).value, _KINDS[type(value)], value)


def span(
    name: str,
    *,
    age: float = 0,
    seconds: float = 0.001,
    within: Span | None = None,
    kind: int = 0,
    events: Iterable[dict[str, Any]] = (),
    **named: Any,
) -> Span:
    """A span that began so many seconds ago, of a trace of its own or beneath another."""
    began = int((time.time() - age) * 1e9)
    made = Span(
        trace_id=within.trace_id if within else _FIRST + next(_ids).to_bytes(14, "big"),
        span_id=_FIRST + next(_ids).to_bytes(6, "big"),
        parent_span_id=within.span_id if within else b"",
        name=name,
        kind=kind,
        start_time_unix_nano=began,
        end_time_unix_nano=began + int(seconds * 1e9),
    )
    add(made.attributes, dotted(named))
    for each in events:
        event = made.events.add(name="exception", time_unix_nano=began)
        add(event.attributes, each)
    return made


def request(spans: Iterable[Span], service: str | None = None) -> bytes:
    """An export request."""
    told = ExportTraceServiceRequest()
    resource = told.resource_spans.add()
    if service is not None:
        add(resource.resource.attributes, {"service.name": service})
    resource.scope_spans.add().spans.extend(spans)
    return told.SerializeToString()


def post(
    url: str,
    body: bytes,
    headers: dict[str, str] | None = None,
    ca: Path | None = None,
    path: str = "/v1/traces",
) -> int:
    """Send an export request to a base address; the status of the answer."""
    named = {"Content-Type": "application/x-protobuf", **(headers or {})}
    tls = ssl.create_default_context(cafile=ca) if url.startswith("https") else None
    try:
        with opened(Request(f"{url}{path}", body, named), tls=tls) as response:
            return response.status
    except HTTPError as refused:
        return refused.code
