"""Messages of errors that group: the same fault says the same in each process, run and task."""

from __future__ import annotations

import re
from typing import Final

from otelier.expressions import later

# Where an object lies. Shorter numbers may mean something.
_ADDRESS: Final = later(
    r" at 0x[0-9a-fA-F]+|\b0x[0-9a-fA-F]{9,16}\b|(?<=cancel scope )[0-9a-f]{6,16}\b"
)
# What tasks, futures and handles show of themselves: their number, where they are, who waits.
_TASK: Final = later(r"<(\w*(?:Task|Future|Handle))\b(?=[ >])")
_SHOWN: Final = later(r"'[^'\n]*'|[<>]")


def steady(text: str) -> str:
    """``text`` without addresses, and of a task no more than that it is one."""
    if "Task" in text or "Future" in text or "Handle" in text:
        text = _folded(text)
    if "0x" in text or "cancel scope" in text:
        text = _ADDRESS.sub(_kept, text)
    return text


def _kept(found: re.Match[str]) -> str:
    return "" if found[0].startswith(" at") else "…"


def _folded(text: str) -> str:
    parts: list[str] = []
    start = 0
    while (found := _TASK.search(text, start)) is not None:
        parts += (text[start : found.start()], f"<{found[1]}>")
        depth, start = 1, found.end()
        for mark in _SHOWN.finditer(text, start):
            depth += {"<": 1, ">": -1}.get(mark[0], 0)
            if not depth:
                start = mark.end()
                break
        else:
            # It was cut: nothing after it is to be trusted to be something else.
            start = len(text)
    return "".join((*parts, text[start:]))
