"""Evaluations by another process than the one that has asked the model: a page, a script, a judge.

It has the ids as people see them in a backend, or the id of the answer.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.trace import format_span_id, format_trace_id

import otelier
from tests.backends.receiver import Receiver
from tests.backends.running import AGENT, environment
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

ROOT = Path(__file__).parents[2]

TOLD = """
import sys
import otelier
{before}
trace_id, span_id, response_id = sys.argv[1:]
otelier.record_evaluation(
    "helpful", score=1, label="yes", explanation="It was: sk-proj-1234567890abcdefghijklmnop.",
    trace_id=trace_id, span_id=span_id,
)
otelier.record_evaluation("correct", score=0.5, response_id=response_id)
{after}
"""
OWN = """
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(provider)
"""
WAYS = {
    "a script": ([sys.executable], "otelier.instrument()", ""),
    "under opentelemetry-instrument": ([AGENT, sys.executable], "", ""),
    "nothing of otelier's runs": ([sys.executable], OWN, ""),
    "otelier.flush() in a function": (
        [sys.executable],
        "otelier.instrument()",
        "assert otelier.flush(); import os; os._exit(0)",
    ),
}


def evaluated(script: str, command: list[Any], *words: str, **env: Any) -> tuple[list[Any], str]:
    """What a program sends that evaluates, and what it says."""
    with Receiver() as receiver:
        done = subprocess.run(
            [*map(str, command), "-c", script, *words],
            cwd=ROOT,
            env=environment(
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.port}",
                PYTHONPATH=str(ROOT / "src"),
                **env,
            ),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        bodies = [
            gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            for path, headers, body in receiver.posts
            if path == "/v1/logs"
        ]
    return [
        record
        for body in bodies
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ], done.stderr


def said(record: Any) -> dict[str, Any]:
    """The attributes of a record."""
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in record.attributes
    }


@pytest.mark.parametrize("way", WAYS)
def test_another_process(way: str, server: ProviderServer, telemetry: Telemetry) -> None:
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hi"}]
    )
    span = otelier.span_of(answer)
    assert span is not None
    # What goes to a page, and comes back with a thumb.
    address = span.get_span_context()
    ids = format_trace_id(address.trace_id), format_span_id(address.span_id), answer.id
    command, before, after = WAYS[way]
    script = TOLD.format(before=before, after=after)
    (helpful, correct), told = evaluated(script, command, *ids)
    assert not told
    assert helpful.event_name == correct.event_name == "gen_ai.evaluation.result"
    assert (helpful.trace_id.hex(), helpful.span_id.hex()) == ids[:2]
    assert helpful.flags & 1
    assert said(helpful) == {
        "gen_ai.evaluation.name": "helpful",
        "gen_ai.evaluation.score.value": 1,
        "gen_ai.evaluation.score.label": "yes",
        "gen_ai.evaluation.explanation": "It was: [REDACTED].",
    }
    # The id alone: no span of this process is the one that is meant.
    assert not any(correct.trace_id) and not any(correct.span_id)
    assert said(correct)["gen_ai.response.id"] == answer.id


def test_what_the_environment_says_of_content_holds_where_nothing_runs() -> None:
    script = TOLD.format(before=OWN, after="")
    (helpful, _), _ = evaluated(
        script,
        [sys.executable],
        *("12ab" * 8, "34cd" * 4, "r"),
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="NO_CONTENT",
    )
    assert "gen_ai.evaluation.explanation" not in said(helpful)
    assert said(helpful)["gen_ai.evaluation.score.value"] == 1


def test_a_program_without_logs_is_told() -> None:
    found, told = evaluated(TOLD.format(before="", after=""), [sys.executable], "1", "2", "r")
    assert not found
    assert told.count("finds no LoggerProvider") == 1 and len(told.splitlines()) == 1
