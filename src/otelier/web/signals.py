"""The signals of OTLP: what is taken of each, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otelier import wire
from otelier.store import checking, logs, logs_proto, otlp_json, otlp_proto
from otelier.store.spans import StoredLog, StoredSpan
from otelier.web.refusing import PROTOBUF, RefusedError


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request brought, and how much of it is left out for which reason."""

    spans: Sequence[StoredSpan] = ()
    logs: Sequence[StoredLog] = ()
    left_out: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """One path of the protocol."""

    path: str
    # The body (in protobuf, or else in JSON) as what is stored. Raises ValueError.
    take: Callable[[bytes, bool], Taken]
    response: type[Message]
    # The field of the response's partial success that counts what is left out.
    counts: str = field(repr=False)

    def taken(self, body: bytes, kind: str) -> Taken:
        """What the body holds. Raises RefusedError where it cannot be read."""
        try:
            return self.take(body, kind == PROTOBUF)
        except (ValueError, DecodeError, RecursionError) as error:
            raise RefusedError(400, f"the body cannot be read: {error}") from None

    def answer(self, taken: Taken) -> Message:
        """The response's message once what was taken is stored."""
        message = self.response()
        if taken.left_out:
            setattr(message.partial_success, self.counts, taken.left_out)
            message.partial_success.error_message = taken.why
        return message


def _traces(body: bytes, protobuf: bool) -> Taken:
    checked = checking.spans(otlp_proto.decode(body) if protobuf else otlp_json.decode(body))
    return Taken(checked.kept, (), checked.left_out, checked.why)


def _logs(body: bytes, protobuf: bool) -> Taken:
    checked = checking.logs(logs_proto.decode(body) if protobuf else logs.decode(body))
    events = [log for log in checked.kept if logs.is_kept(log)]
    others = len(checked.kept) - len(events)
    why = [checked.why] * (checked.left_out > 0)
    why += [f"{others}: of logs only events {logs.KEPT}* are kept here"] * (others > 0)
    return Taken((), events, checked.left_out + others, "; ".join(why))


def _metrics(body: bytes, protobuf: bool) -> Taken:
    points = _points_of_protobuf(body) if protobuf else _points_of_json(body)
    return Taken(left_out=sum(points), why="metrics are not kept here")


def _points_of_protobuf(body: bytes) -> Iterator[int]:
    request = ExportMetricsServiceRequest.FromString(body)
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                data = metric.WhichOneof("data")
                if data is not None:
                    yield len(getattr(metric, data).data_points)


def _points_of_json(body: bytes) -> Iterator[int]:
    request = wire.loads(body)
    if not isinstance(request, dict):
        raise ValueError("not a JSON object")
    for resource in _members(request, "resourceMetrics"):
        for scope in _members(resource, "scopeMetrics"):
            for metric in _members(scope, "metrics"):
                for data in metric.values():
                    yield sum(1 for _ in _members(data, "dataPoints"))


def _members(owner: Any, name: str) -> Iterator[dict[str, Any]]:
    members = owner.get(name) if isinstance(owner, dict) else None
    if isinstance(members, list):
        yield from (member for member in members if isinstance(member, dict))


SIGNALS: Final = (
    Signal("/v1/traces", _traces, ExportTraceServiceResponse, "rejected_spans"),
    Signal("/v1/logs", _logs, ExportLogsServiceResponse, "rejected_log_records"),
    Signal("/v1/metrics", _metrics, ExportMetricsServiceResponse, "rejected_data_points"),
)
