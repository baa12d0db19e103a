"""What the local store costs the thread that calls a model: the batch processor's queue."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks import counting
from benchmarks.counting import Calls
from benchmarks.scenarios import SMALL, Bench
from otelier import pace
from otelier.store.exporter import StoreSpanExporter

SCENARIO = SMALL[0]
CALLS = 20


class Nothing(SpanExporter):
    """Takes all spans and does nothing with them."""

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def counted(exporter: SpanExporter | None) -> Calls:
    """Function calls of the calling thread in a model call, spans exported as a program does."""
    provider = TracerProvider(resource=Resource({"service.name": "counted"}))
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))
        pace.keep(provider)
    with Bench(SCENARIO, "otelier", tracer_provider=provider) as bench:
        for _ in range(CALLS):
            bench.run()
        # The store has been opened, and its writer is at work meanwhile.
        provider.force_flush()
        for _ in range(CALLS):
            bench.run()
        found = counting.calls(bench.run)
    provider.shutdown()
    return found


def test_the_calling_thread_does_nothing_but_queue(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with_store, with_nothing = counted(StoreSpanExporter(store)), counted(Nothing())
    assert with_store.python == with_nothing.python
    assert with_store.c == with_nothing.c
    assert not any("store" in name or "sqlite3" in name for name in with_store.python)
    assert not any("sqlite3" in name for name in with_store.c_owner)
    # And what the SDK's own queue takes is little.
    added = with_store.python - counted(None).python
    assert {name.partition(".")[0] for name in added} == {"opentelemetry"}
    assert added.total() <= 12
    with closing(sqlite3.connect(store)) as connection:
        ((spans,),) = connection.execute("SELECT count(*) FROM span").fetchall()
    assert spans >= 2 * CALLS + 1
