"""A program that has nothing but ids, and says what it thinks of the answers.

``python -m tests.backends.evaluating SCORE ID …``: ids of answers, or of spans as ``TRACE:SPAN``.
"""

from __future__ import annotations

import sys

import otelier


def main(score: float, *ids: str) -> None:
    for each in ids:
        trace_id, colon, span_id = each.partition(":")
        known = {"trace_id": trace_id, "span_id": span_id} if colon else {"response_id": each}
        label = "yes" if score > 0.5 else "no"
        otelier.record_evaluation("helpful", score=score, label=label, explanation="", **known)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
