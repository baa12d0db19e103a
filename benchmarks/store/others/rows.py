"""SQLite with a row for each span: its ids, its time, and the whole as JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.store.filling import fill
from benchmarks.store.others.sample import MOST, Sample, asked, weight, whole
from otelier.store.spans import StoredSpan

_MADE: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE span (trace TEXT, time INTEGER, body TEXT);
CREATE INDEX span_trace ON span (trace, time);
CREATE INDEX span_time ON span (time);
"""
_TRACE: Final = "SELECT body FROM span WHERE trace = ? ORDER BY time"
_COST: Final = """json_extract(body, '$.attributes."gen_ai.usage.cost"')"""
_MODEL: Final = """json_extract(body, '$.attributes."gen_ai.request.model"')"""
_RECENT: Final = f"""
SELECT trace, min(time), count(*), sum({_COST}) FROM span
WHERE trace IN (
    SELECT trace FROM span WHERE json_extract(body, '$.parent_id') IS NULL
    ORDER BY time DESC LIMIT {MOST}
)
GROUP BY trace ORDER BY 2 DESC
"""
_COSTS: Final = f"SELECT {_MODEL}, sum({_COST}) FROM span WHERE time >= ? GROUP BY 1"
_SAID: Final = (
    f"SELECT body FROM span WHERE body LIKE '%' || ? || '%' ORDER BY time DESC LIMIT {MOST}"
)


def measure(spans: Iterable[StoredSpan], folder: Path) -> dict[str, float]:
    """Write, weigh, ask; see ``peers``."""
    path = folder / "rows.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(_MADE)
    sample = Sample()

    def write(batch: Sequence[StoredSpan]) -> None:
        rows = [(span.trace_id, span.start_ns, whole(span)) for span in batch]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO span VALUES (?, ?, ?)", rows)
        database.execute("COMMIT")

    def trace(trace_id: str) -> list[object]:
        return [json.loads(body) for (body,) in database.execute(_TRACE, (trace_id,))]

    def ask(sql: str, *given: object) -> list[object]:
        return database.execute(sql, given).fetchall()

    count, used, _, _ = fill(write, sample.passing(spans))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = asked(
        sample,
        trace=trace,
        recent=partial(ask, _RECENT),
        cost=partial(ask, _COSTS),
        said=partial(ask, _SAID),
    )
    database.close()
    return {"rate": count / used, "size": weight(folder) / count, **found}
