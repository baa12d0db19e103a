"""otelier's own store, asked the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.store.filling import store
from benchmarks.store.others.sample import MOST, Sample, asked, moment
from otelier.questions import asking
from otelier.questions.table import QUESTIONS
from otelier.store.spans import StoredSpan
from otelier.store.sqlite import SQLite

_ASKED: Final = {question.name: question for question in QUESTIONS}
_RECENT: Final = f"""
SELECT trace_id, min(time) AS began, count(*), sum(cost) FROM otelier.calls
WHERE trace_id IN (
    SELECT trace_id FROM otelier.spans WHERE parent_id = '' ORDER BY time DESC LIMIT {MOST}
)
GROUP BY trace_id ORDER BY began DESC
"""


def measure(spans: Iterable[StoredSpan], folder: Path) -> dict[str, float]:
    """Write, weigh, ask; see ``peers``."""
    path = folder / "traces.db"
    sample = Sample()
    filled = store(path, sample.passing(spans))
    engine = SQLite(path)

    def ask(name: str, **given: Any) -> list[Any]:
        return asking.ask(_ASKED[name], engine, **given)

    found = asked(
        sample,
        trace=engine.trace,
        recent=lambda: engine.ask(_RECENT).rows,
        cost=lambda since: ask("costs", by="model", since=moment(since) if since else None),
        said=lambda word: ask("search", text=word, limit=MOST),
    )
    engine.close()
    return {"rate": filled.rate, "size": filled.size / filled.spans, **found}
