"""Parquet files of 8,192 spans each, compressed by zstd, read by DuckDB."""

from __future__ import annotations

import importlib
import json
import site
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.store.filling import fill
from benchmarks.store.others.sample import MOST, Sample, asked, weight, whole
from otelier import semconv
from otelier.store.spans import StoredSpan
from tests.backends.programs import CACHE, python

_HOME: Final = "store-peers"
_PACKAGES: Final = ("pyarrow==26.0.1", "duckdb==2.0.1")
_SPANS: Final = 8192
_TRACE: Final = "SELECT body FROM spans WHERE trace = ? ORDER BY time"
_RECENT: Final = f"""
SELECT trace, min(time) AS began, count(*), sum(cost) FROM spans
WHERE trace IN (SELECT trace FROM spans WHERE parent IS NULL ORDER BY time DESC LIMIT {MOST})
GROUP BY trace ORDER BY began DESC
"""
_COSTS: Final = "SELECT model, sum(cost) FROM spans WHERE time >= ? GROUP BY model"
_SAID: Final = f"SELECT body FROM spans WHERE contains(body, ?) ORDER BY time DESC LIMIT {MOST}"


def packages() -> tuple[Any, Any, Any]:
    """pyarrow, its Parquet part and duckdb, from an environment of their own; got if need be."""
    home = CACHE / _HOME
    pin = home / "pin"
    if not pin.exists() or pin.read_text() != " ".join(_PACKAGES):
        CACHE.mkdir(parents=True, exist_ok=True)
        python(_HOME, *_PACKAGES)
        pin.write_text(" ".join(_PACKAGES))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site.addsitedir(str(home / "lib" / version / "site-packages"))
    arrow, files, duckdb = map(importlib.import_module, ("pyarrow", "pyarrow.parquet", "duckdb"))
    return arrow, files, duckdb


def _row(span: StoredSpan) -> dict[str, Any]:
    return {
        "trace": span.trace_id,
        "parent": span.parent_id,
        "time": span.start_ns,
        "model": span.attributes.get(semconv.REQUEST_MODEL),
        "cost": span.attributes.get(semconv.COST),
        "body": whole(span),
    }


def measure(spans: Iterable[StoredSpan], folder: Path) -> dict[str, float]:
    """Write, weigh, ask; see ``peers``."""
    arrow, files, duckdb = packages()
    schema = arrow.schema(
        [
            ("trace", arrow.string()),
            ("parent", arrow.string()),
            ("time", arrow.int64()),
            ("model", arrow.string()),
            ("cost", arrow.float64()),
            ("body", arrow.string()),
        ]
    )
    sample = Sample()
    waiting: list[dict[str, Any]] = []
    written = 0

    def flush() -> None:
        nonlocal written
        table = arrow.Table.from_pylist(waiting, schema=schema)
        files.write_table(table, folder / f"{written:06}.parquet", compression="zstd")
        written += 1
        waiting.clear()

    def write(batch: Sequence[StoredSpan]) -> None:
        waiting.extend(map(_row, batch))
        if len(waiting) >= _SPANS:
            flush()

    count, used, _, _ = fill(write, sample.passing(spans))
    if waiting:
        began = time.process_time()
        flush()
        used += time.process_time() - began
    size = weight(folder)
    database = duckdb.connect()
    database.execute(f"CREATE VIEW spans AS SELECT * FROM read_parquet('{folder}/*.parquet')")

    def ask(sql: str, *given: object) -> list[tuple[Any, ...]]:
        return database.execute(sql, list(given)).fetchall()  # type: ignore[no-any-return]

    def trace(trace_id: str) -> list[object]:
        return [json.loads(body) for (body,) in ask(_TRACE, trace_id)]

    found = asked(
        sample,
        trace=trace,
        recent=partial(ask, _RECENT),
        cost=partial(ask, _COSTS),
        said=partial(ask, _SAID),
    )
    database.close()
    return {"rate": count / used, "size": size / count, **found}
