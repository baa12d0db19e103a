"""What was said of a trace's spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from otelier.store.engine import Engine

# By the ids of spans: names, scores, labels and explanations, in order of time.
Evaluations: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]


def evaluations(engine: Engine, trace_id: str) -> Evaluations:
    """The evaluations of all spans of a trace. Raises StoreError."""
    found = engine.ask(
        "SELECT span_id, evaluation, score, label, explanation FROM otelier.evaluations "
        "WHERE trace_id = :trace_id ORDER BY time",
        {"trace_id": trace_id},
    )
    told: dict[str, list[Mapping[str, Any]]] = {}
    for row in found.dicts():
        told.setdefault(str(row["span_id"]), []).append(row)
    return told
