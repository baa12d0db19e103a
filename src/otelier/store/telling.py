"""Which spans a run gives to its store: told by the exporters of its processes, read at its end.

Others may write into the same store at the same time. A span is told before it is written, so that
of a process that is killed between the two nothing is missing: what is told and not there is lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from otelier.store.spans import StoredSpan

_SUFFIX: Final = ".spans"
# Bytes of a line: two ids in hexadecimal digits.
_LINE: Final = 32 + 1 + 16 + 1


def tell(folder: str, spans: Iterable[StoredSpan]) -> None:
    """Append the spans' ids to a file of this process' own. Raises OSError."""
    lines = "".join(f"{span.trace_id} {span.span_id}\n" for span in spans)
    # By the number that a forked child has; one write, so that a line is there or not.
    with Path(folder, f"{os.getpid()}{_SUFFIX}").open("ab", buffering=0) as file:
        file.write(lines.encode())


def told(folder: Path) -> dict[str, set[str]]:
    """The ids of all spans that were told in a folder, by their trace's."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        for line in path.read_text().splitlines():
            trace_id, _, span_id = line.partition(" ")
            if span_id:
                found.setdefault(trace_id, set()).add(span_id)
    return found


def count(folder: Path) -> int:
    """About how many these are, without a look at them."""
    size = sum(path.stat().st_size for path in folder.glob(f"*{_SUFFIX}"))
    return size // _LINE
