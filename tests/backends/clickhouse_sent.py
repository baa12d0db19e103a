"""ClickHouse's engine with all that the workload sent, through the real exporter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.backends.clickhouse_running import ClickHouse, collector, server
from tests.backends.running import Otelcol, until, workload
from tests.backends.truth import Truth

SUMS = "otel_metrics_sum WHERE MetricName = 'gen_ai.client.operation.cost'"


class Sent(ClickHouse):
    """The engine with all that the workload sent, and the truth of it."""

    folder: Path
    truth: Truth
    # Where more can be sent, while the engine runs.
    into: Otelcol

    def has(self, wanted: int, table: str) -> bool | None:
        """True once a table has so many rows."""
        found = self.one(f"SELECT count() FROM (SELECT 1 FROM otel.{table})")
        return True if found == wanted else None

    def views(self) -> None:
        """Make the views; twice, for they may be there."""
        for name in ("views.sql", "retention.sql", "views.sql", "retention.sql"):
            self.file(name)


@contextmanager
def sending(here: Path, **env: Any) -> Iterator[Sent]:
    """The engine with its views, the collector before it, and what the workload sent there.

    ``env``: more variables of the workload.
    """
    with server(here) as engine:
        asked = Sent(engine.port)
        asked.folder = here
        # So small that it takes several inserts.
        with collector(here, asked.port, BATCH_MIN=50, BATCH_MAX=50) as asked.into:
            asked.truth = workload(here, asked.into.http, **env)
            failed = sum(row["error"] is not None for row in asked.truth.calls)
            cost = sum(row["cost"] or 0 for row in asked.truth.calls)
            counts = {
                "otel_traces": len(asked.truth.rows),
                "otel_logs WHERE EventName = 'gen_ai.client.operation.exception'": failed,
                f"{SUMS} GROUP BY MetricName HAVING abs(sum(Value) / {cost} - 1) < 1e-9": 1,
            }
            for table, wanted in counts.items():
                until(partial(asked.has, wanted, table), table)
            stored = asked.ask("SELECT SpanName, Duration FROM otel.otel_traces ORDER BY Timestamp")
            for row, span in zip(asked.truth.rows, stored, strict=True):
                assert span["SpanName"] == row["name"]
                row["seconds"] = span["Duration"] / 1e9
            asked.views()
            yield asked
