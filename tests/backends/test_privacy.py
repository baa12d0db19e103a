"""privacy: content reaches the restricted backend alone, and personal data none."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, running, until, workload
from tests.cli.receiver import Receiver, receiver

OTELCOL = program("otelcol")
pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")


def spans(backend: Receiver) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Spans that a backend got, with their attributes."""
    for path, headers, body in list(backend.posts):
        if path != "/v1/traces":
            continue
        data = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield (
                        span,
                        {
                            each.key: getattr(
                                each.value, each.value.WhichOneof("value") or "", None
                            )
                            for each in span.attributes
                        },
                    )


def test_content_goes_where_it_may(tmp_path: Path) -> None:
    grpc, http = free_ports(2)
    with receiver() as restricted, receiver() as everyone:
        settings = {
            "OTLP_GRPC": f"127.0.0.1:{grpc}",
            "OTLP_HTTP": f"127.0.0.1:{http}",
            "RESTRICTED_ENDPOINT": restricted.url,
            "EVERYONE_ENDPOINT": everyone.url,
        }
        config = CONFIGS / "privacy" / "config.yaml"
        with running([OTELCOL, "--config", config], tmp_path, http, **settings):
            truth = workload(tmp_path, f"http://127.0.0.1:{http}")
            wanted = len(truth.rows)
            for backend in (restricted, everyone):
                until(lambda b=backend: len(list(spans(b))) >= wanted or None, "the spans")
    for backend in (restricted, everyone):
        found = list(spans(backend))
        operations = Counter(each["gen_ai.operation.name"] for _, each in found)
        assert operations == truth.counted("operation")
        assert sum("error.type" in each for _, each in found) == sum(
            row["error"] is not None for row in truth.rows
        )
        assert all("gen_ai.usage.input_tokens" in e for s, e in found if s.name == "chat gpt-4o")
    texts = "".join(str(span) for span, _ in spans(restricted))
    assert truth.question in texts
    # The workload asks with an address in its second question.
    assert truth.personal not in texts
    bare = "".join(str(span) for span, _ in spans(everyone))
    for secret in (truth.question, truth.personal, "Parcels are in room 7", "Slow down"):
        assert secret not in bare
    hashes = {hashlib.sha256(user.encode()).hexdigest() for user in truth.counted("user")}
    assert {each["user.id"] for _, each in spans(everyone)} == hashes
