"""The process that asks a local store what a person wrote: see query_process.py.

``python -m otelier.store.query_child PATH BYTES``: a line of JSON for each query, and for each an
answer, its size before it. It reads the store and nothing else, writes nothing, and has no more
memory than that.
"""

from __future__ import annotations

import json
import marshal
import math
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from otelier.store.engine import StoreError
from otelier.store.query_process import HEAD, READY
from otelier.store.sqlite import SQLite

# Bytes of one answer.
_ANSWER: Final = 64 << 20


def main() -> None:
    """Answer until the input ends."""
    # Whatever prints does not print into an answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    path, memory = sys.argv[1:]
    _limit("RLIMIT_AS", int(memory))
    _limit("RLIMIT_CORE", 0)
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        body = _answer(Path(path), json.loads(line))
        out.write(len(body).to_bytes(HEAD) + body)
        out.flush()


def _answer(path: Path, asked: Mapping[str, Any]) -> bytes:
    try:
        body = marshal.dumps(("found", *_found(path, asked)))
    except StoreError as error:
        return marshal.dumps(("refused", str(error)))
    except MemoryError:
        return marshal.dumps(("refused", "it needed too much memory and was ended"))
    if len(body) > _ANSWER:
        told = f"the answer has more than {_ANSWER >> 20} MiB: ask for fewer rows or columns"
        return marshal.dumps(("refused", told))
    return body


def _found(path: Path, asked: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
    seconds = float(asked["seconds"])
    # Who started this may be gone, and a step of SQLite's machine may be long.
    _limit("RLIMIT_CPU", math.ceil(time.process_time() + seconds) + 1)
    engine = SQLite(path, seconds, spill=False)
    try:
        answer = engine.ask(asked["sql"], most=asked["most"])
        return answer.columns, list(answer.rows)
    finally:
        engine.close()


def _limit(name: str, most: int) -> None:
    """A limit of the operating system, where it has one."""
    try:
        import resource
    except ImportError:  # Windows.
        return
    kind = getattr(resource, name)
    _, hard = resource.getrlimit(kind)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, hard))


if __name__ == "__main__":
    main()
