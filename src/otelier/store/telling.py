"""Which spans a run gives to a store: told by the exporters of its processes, read at its end.

Others may write into the same store at the same time. A span is told before it is written, so that
of a process that is killed between the two nothing is missing: what is told and not there is lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

from otelier.store.spans import StoredSpan

_SUFFIX: Final = ".spans"
# Bytes of a line: two ids in hexadecimal digits.
_LINE: Final = 32 + 1 + 16 + 1


def _of(store: Path) -> str:
    """How the names of files end that are about a store."""
    return f".{blake2b(os.fsencode(store), digest_size=8).hexdigest()}{_SUFFIX}"


def tell(folder: str, store: Path, spans: Iterable[StoredSpan]) -> None:
    """Append the spans' ids to a file of this process' own for the store. Raises OSError."""
    lines = "".join(f"{span.trace_id} {span.span_id}\n" for span in spans)
    # By the number that a forked child has; one write, so that a line is there or not.
    with Path(folder, f"{os.getpid()}{_of(store)}").open("ab", buffering=0) as file:
        head = b"" if file.tell() else os.fsencode(store) + b"\n"
        file.write(head + lines.encode())


def told(folder: Path, store: Path) -> dict[str, set[str]]:
    """The ids of all spans that were told in a folder to go to a store, by their trace's."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob(f"*{_of(store)}")):
        for line in path.read_bytes().split(b"\n")[1:]:
            trace_id, _, span_id = line.decode("ascii", "replace").partition(" ")
            if span_id:
                found.setdefault(trace_id, set()).add(span_id)
    return found


def elsewhere(folder: Path, store: Path) -> list[Path]:
    """Other stores that spans were told to go to: of a program that names its own, say."""
    files = (path for path in folder.glob(f"*{_SUFFIX}") if not path.name.endswith(_of(store)))
    heads = {path.read_bytes().partition(b"\n")[0] for path in files}
    return sorted(Path(os.fsdecode(head)) for head in heads)


def count(folder: Path, store: Path) -> int:
    """About how many spans those of a store are, without a look at them."""
    head = len(os.fsencode(store)) + 1
    files = folder.glob(f"*{_of(store)}")
    return sum(max(path.stat().st_size - head, 0) for path in files) // _LINE
