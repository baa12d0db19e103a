"""What a receiver takes of what it was sent, and what it says of the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from otelier.store.spans import StoredLog, StoredSpan

_HEX: Final = re.compile("[0-9a-f]*").fullmatch
_TRACE: Final = 32
_SPAN: Final = 16
_BAD_TRACE: Final = "the trace id is not 16 bytes other than zero"
_BAD_SPAN: Final = "the span id is not 8 bytes other than zero"
_BAD_PARENT: Final = "the parent's span id is not 8 bytes"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """What may be stored; how much was left out, and why, in words (``""``: nothing was)."""

    kept: list[T]
    left_out: int = 0
    why: str = ""


def spans(found: Iterable[StoredSpan]) -> Checked[StoredSpan]:
    """The spans whose ids are what OTLP asks for."""
    return _checked((span, _wrong_span(span)) for span in found)


def logs(found: Iterable[StoredLog]) -> Checked[StoredLog]:
    """The records whose ids are what OTLP asks for: they may have none."""
    return _checked((log, _wrong_log(log)) for log in found)


def _checked(pairs: Iterable[tuple[T, str]]) -> Checked[T]:
    kept: list[T] = []
    wrong: Counter[str] = Counter()
    for item, problem in pairs:
        if problem:
            wrong[problem] += 1
        else:
            kept.append(item)
    why = "; ".join(f"{number}: {problem}" for problem, number in wrong.items())
    return Checked(kept, wrong.total(), why)


def _wrong_span(span: StoredSpan) -> str:
    if not _is_id(span.trace_id, _TRACE):
        return _BAD_TRACE
    if not _is_id(span.span_id, _SPAN):
        return _BAD_SPAN
    if span.parent_id and not _is_id(span.parent_id, _SPAN):
        return _BAD_PARENT
    return ""


def _wrong_log(log: StoredLog) -> str:
    if log.trace_id and not _is_id(log.trace_id, _TRACE):
        return _BAD_TRACE
    if log.span_id and not _is_id(log.span_id, _SPAN):
        return _BAD_SPAN
    return ""


def _is_id(text: str, length: int) -> bool:
    # Decoders make of only zeros no id at all.
    return len(text) == length and _HEX(text) is not None and bool(text.strip("0"))
