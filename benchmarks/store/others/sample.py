"""What will be asked of spans, from the spans themselves while they pass by."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from otelier import semconv, wire
from otelier.store.spans import StoredSpan

DAY: Final = 86_400 * 10**9
MOST: Final = 50
ROUNDS: Final = 5
# Of so many spans one is looked at; its words are said by others as well.
_EACH: Final = 16
_WORD: Final = re.compile(r"[^\W\d_]{4,}")


class Sample:
    """Which trace and which words to ask for."""

    def __init__(self) -> None:
        self.count = 0
        # Nanoseconds: when the newest span began.
        self.newest = 0
        self._traces: list[str] = []
        self._words: Counter[str] = Counter()

    def passing(self, spans: Iterable[StoredSpan]) -> Iterator[StoredSpan]:
        """The same spans, looked at."""
        for span in spans:
            self.count += 1
            self.newest = max(self.newest, span.start_ns)
            if self.count % _EACH == 0:
                self._traces.append(span.trace_id)
                self._words.update(_said(span))
            yield span

    @property
    def trace_id(self) -> str:
        """One in the middle."""
        return self._traces[len(self._traces) // 2]

    @property
    def words(self) -> dict[str, str]:
        """A rare and a common word; none where nothing was said."""
        if not self._words:
            return {}
        (common, _), *_, (rare, _) = self._words.most_common()
        return {"rare": rare, "common": common}


def _said(span: StoredSpan) -> list[str]:
    told = span.attributes.get(semconv.OUTPUT_MESSAGES)
    if not isinstance(told, str):
        return []
    parts = (part for message in json.loads(told) for part in message.get("parts", ()))
    return _WORD.findall(" ".join(str(part.get("content", "")) for part in parts))


Rows = Sequence[Any]


def asked(
    sample: Sample,
    *,
    trace: Callable[[str], Rows],
    recent: Callable[[], Rows],
    cost: Callable[[int], Rows],
    said: Callable[[str], Rows],
) -> dict[str, float]:
    """Milliseconds of each question; ``cost`` is asked for what began at a time (ns) or later."""
    return {
        "trace": best(partial(trace, sample.trace_id)),
        "recent": best(recent),
        "cost_day": best(partial(cost, sample.newest - DAY)),
        "cost": best(partial(cost, 0)),
        **{name: best(partial(said, word)) for name, word in sample.words.items()},
    }


def best(ask: Callable[[], Rows]) -> float:
    """Milliseconds of the fastest of some rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = ask()
        times.append(time.perf_counter() - began)
        assert found, "who finds nothing is fast"
    return min(times) * 1000


def moment(nanoseconds: int) -> datetime:
    """A time of a span as Python has it."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


def weight(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def whole(span: StoredSpan) -> str:
    """A span as JSON, as somebody would write it who keeps it as one text."""
    return wire.encoded(
        {
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "parent_id": span.parent_id,
            "name": span.name,
            "kind": span.kind,
            "start": span.start_ns,
            "end": span.end_ns,
            "status": span.status,
            "status_message": span.status_message,
            "attributes": dict(span.attributes),
            "events": [(e.name, e.time_ns, dict(e.attributes)) for e in span.events],
            "links": [(e.trace_id, e.span_id, dict(e.attributes)) for e in span.links],
            "scope": (span.scope.name, span.scope.version),
            "resource": dict(span.resource.attributes),
        }
    ).decode()
