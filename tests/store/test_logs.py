"""The SDK's log records as stored ones."""

from __future__ import annotations

from typing import Any

import opentelemetry.sdk._logs as sdk
import opentelemetry.sdk._logs.export as exports
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogRecordMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otelier.store import event_names, logs, logs_proto


def _memory() -> Any:
    # Its name has changed.
    names = ("InMemoryLogRecordExporter", "InMemoryLogExporter")
    return next(getattr(exports, name) for name in names if hasattr(exports, name))()


def test_the_sdks_records() -> None:
    memory = _memory()
    provider = sdk.LoggerProvider(Resource({"service.name": "shop"}, "https://example.org/r"))
    provider.add_log_record_processor(exports.SimpleLogRecordProcessor(memory))
    logger = provider.get_logger("otelier", "1.0", "https://example.org/s", {"a": 1})
    told: dict[str, Any] = {
        "body": {"said": [1, None, b"x"]},
        "attributes": {"n": 1, "map": {"a": [1.5]}},
        "event_name": "gen_ai.something",
    }
    with TracerProvider().get_tracer("t").start_as_current_span("s") as span:
        logger.emit(LogRecord(timestamp=17, severity_number=SeverityNumber.WARN, **told))
    logger.emit(LogRecord(timestamp=18))
    found = memory.get_finished_logs()
    first, second = map(logs.stored_log, found)
    assert (first.name, first.time_ns, first.severity) == ("gen_ai.something", 17, 13)
    assert first.trace_id == format(span.get_span_context().trace_id, "032x")
    assert (
        first.flags == span.get_span_context().trace_flags
        and first.scope.schema_url == "https://example.org/s"
    )
    assert (second.name, second.trace_id, second.severity) == ("", "", 0)
    ours = ExportLogsServiceRequest.FromString(logs_proto.encode([first, second]))
    theirs = encode_logs(found)
    # A body that is not there is an empty one to the official encoder.
    theirs.resource_logs[0].scope_logs[0].log_records[1].ClearField("body")
    assert str(ours) == str(theirs)


@pytest.mark.parametrize("name", ["", "gen_ai.é", "x" * 127, "x" * 128, "x" * 40_000])
def test_classes_that_have_no_names_of_events_keep_them(name: str) -> None:
    """Those of opentelemetry-proto 1.34, say; ``Empty`` knows no field at all."""
    record = LogRecordMessage(event_name=name, severity_text="x")
    assert event_names.read(record) == name
    assert event_names.unknown(Empty.FromString(record.SerializeToString())) == name
    written = Empty.FromString(event_names.encoded(name))
    assert LogRecordMessage.FromString(written.SerializeToString()).event_name == name
