"""minimal: what a program sent is in the collector's file, and in its terminal."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.backends.otlp import Sent, spans_of_json
from tests.backends.running import OTELCOL, collector, until, workload

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_what_was_sent_is_in_the_file(tmp_path: Path, protocol: str) -> None:
    file = tmp_path / "traces.jsonl"

    def spans() -> list[Sent]:
        # The last line may be half written.
        lines = file.read_text().rpartition("\n")[0] if file.exists() else ""
        return spans_of_json(lines)

    with collector(tmp_path, "minimal/config.yaml") as it:
        endpoint = it.grpc if protocol == "grpc" else it.http
        truth = workload(tmp_path, endpoint, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        wanted = len(truth.rows)
        until(lambda: len(spans()) >= wanted or None, "the spans in the file")
    found = spans()
    assert Counter(span["attributes"]["gen_ai.operation.name"] for span in found) == truth.counted(
        "operation"
    )
    assert sum("error.type" in span["attributes"] for span in found) == sum(
        row["error"] is not None for row in truth.rows
    )
    asked = Counter(
        (span["attributes"]["session.id"], question)
        for span in found
        if span["name"] == "chat gpt-4o"
        for question in (truth.question, truth.rare_question)
        if question in span["attributes"]["gen_ai.input.messages"]
    )
    assert asked == Counter(
        (row["session"], truth.rare_question if row["session"] == "s-05" else truth.question)
        for row in truth.where(name="chat gpt-4o")
    )
    sessions = Counter(span["attributes"]["session.id"] for span in found)
    assert sessions == truth.counted("session")
    # One trace for each conversation; every span but the root has its parent in it.
    for trace in {span["trace_id"] for span in found}:
        ids = {span["span_id"] for span in found if span["trace_id"] == trace}
        parents = [span["parent_id"] for span in found if span["trace_id"] == trace]
        assert sum(not parent for parent in parents) == 1
        assert {parent for parent in parents if parent} <= ids
    shown = re.findall(r'\tTraces\t.* "spans": (\d+)', it.log)
    assert sum(map(int, shown)) == wanted
