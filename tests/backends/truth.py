"""What the workload did, to be asked for the answers that the backends have to give."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

Row = dict[str, Any]


def near(numbers: Any) -> Any:
    """Equal to a number, to each of a list, or to the values of a dict, but for the last digits."""
    return pytest.approx(numbers, rel=1e-9, abs=0)


class Truth:
    """Rows as ``workload`` wrote them: one for each span.

    Keys of all: ``turn`` (a trace each), ``session``, ``conversation``, ``user``, ``tenant``,
    ``task``, ``tag``, ``operation``, ``name``, ``parent`` (a name, or empty), ``error`` (None or
    its type), ``prompt``, ``prompt_version`` (where there is one). Of model calls besides:
    ``provider``, ``model``, ``input``, ``output``, ``cached`` (tokens), ``cost`` (USD, or None:
    no price), ``id`` (of the response, where it is its own), ``request`` (the same), ``stream``.
    """

    def __init__(self, path: Path) -> None:
        told = json.loads(path.read_text())
        self.rows: list[Row] = [{"error": None, **row} for row in told["rows"]]
        self.question: str = told["question"]
        self.rare_question: str = told["rare_question"]
        self.personal: str = told["personal"]
        self.document: str = told["document"]
        self.words: str = told["words"]

    def where(self, **equal: Any) -> list[Row]:
        """The rows that have these values."""
        return [row for row in self.rows if all(row.get(k) == v for k, v in equal.items())]

    @property
    def calls(self) -> list[Row]:
        """The model calls."""
        return [row for row in self.rows if "model" in row]

    @property
    def turns(self) -> int:
        """How many traces there are."""
        return len({row["turn"] for row in self.rows})

    def counted(self, *keys: str, rows: list[Row] | None = None) -> Counter[Any]:
        """How many rows have each value of a key, or tuple of the values of several."""
        chosen = self.rows if rows is None else rows
        return Counter(
            row.get(keys[0]) if len(keys) == 1 else tuple(row.get(key) for key in keys)
            for row in chosen
        )

    def summed(self, what: str, *keys: str, rows: list[Row] | None = None) -> dict[Any, float]:
        """Sums of a number (unknown ones left out) by the values of a key, or of several."""
        sums: dict[Any, float] = {}
        for row in self.rows if rows is None else rows:
            if row.get(what) is not None:
                key = row.get(keys[0]) if len(keys) == 1 else tuple(row.get(key) for key in keys)
                sums[key] = sums.get(key, 0) + row[what]
        return sums
