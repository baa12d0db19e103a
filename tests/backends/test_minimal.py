"""minimal: what a program sent is in the collector's file, and in its terminal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, running, until, workload

OTELCOL = program("otelcol")
pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")


def spans(path: Path) -> Iterator[dict[str, Any]]:
    """Spans of an OTLP JSON lines file, with their attributes as a dict."""
    for line in path.read_text().splitlines():
        for resource in json.loads(line).get("resourceSpans", ()):
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    named = {
                        each["key"]: next(iter(each["value"].values()), None)
                        for each in span["attributes"]
                    }
                    yield {**span, "attributes": named}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_what_was_sent_is_in_the_file(tmp_path: Path, protocol: str) -> None:
    grpc, http = free_ports(2)
    ports = {"OTLP_GRPC": f"127.0.0.1:{grpc}", "OTLP_HTTP": f"127.0.0.1:{http}"}
    config = CONFIGS / "minimal" / "config.yaml"
    with running([OTELCOL, "--config", config], tmp_path, http, **ports):
        port = grpc if protocol == "grpc" else http
        truth = workload(tmp_path, f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        wanted = len(truth.rows)
        file = tmp_path / "traces.jsonl"

        def all_there() -> bool | None:
            return (file.exists() and len(list(spans(file))) >= wanted) or None

        until(all_there, "the spans in the file")
    found = list(spans(file))
    assert Counter(span["attributes"]["gen_ai.operation.name"] for span in found) == truth.counted(
        "operation"
    )
    assert sum("error.type" in span["attributes"] for span in found) == sum(
        row["error"] is not None for row in truth.rows
    )
    chats = [span for span in found if span["name"] == "chat gpt-4o"]
    asked = Counter(span["attributes"]["gen_ai.input.messages"] for span in chats)
    assert sum(n for text, n in asked.items() if truth.rare_question in text) == 2
    sessions = {span["attributes"]["session.id"] for span in found}
    assert sessions == set(truth.counted("session"))
    # One trace for each conversation; every span but the root has its parent in it.
    for trace in {span["traceId"] for span in found}:
        ids = {span["spanId"] for span in found if span["traceId"] == trace}
        parents = [s.get("parentSpanId") for s in found if s["traceId"] == trace]
        assert sum(not parent for parent in parents) == 1
        assert {parent for parent in parents if parent} <= ids
    said = (tmp_path / "otelcol.log").read_text()
    assert '"spans"' in said or "spans" in said
