"""Which spans the answers of lately belong to, by the ids that their providers gave them.

For a thousand of them an id and the address of a span, a few hundred bytes each: no answer, and
nothing of the program's, is held.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from opentelemetry.trace import Span, SpanContext

MOST: Final = 1000
# How many more may come before the oldest are forgotten.
SOME: Final = 50
_room = SOME
# Used by many threads: a dictionary's own operations are atomic.
_spans: Final[OrderedDict[Any, SpanContext]] = OrderedDict()


def note(answer_id: Any, span: Span, again: bool = False) -> None:
    """``span`` is of the call that gave this answer; ``again``: that fetched one given before."""
    global _room
    if again and answer_id in _spans:
        return
    _spans[answer_id] = span.get_span_context()
    _room -= 1
    if _room < 0:
        _trim()


def _trim() -> None:
    # Not with each: that would be a call more for every model call.
    global _room
    _room = SOME
    while len(_spans) > MOST:
        try:
            _spans.popitem(last=False)
        except KeyError:
            return


def of(answer_id: str) -> SpanContext | None:
    """The address of the span that this answer belongs to."""
    return _spans.get(answer_id)


def anything() -> bool:
    """Whether any answer is known."""
    return bool(_spans)


def forget() -> None:
    """Forget all of them."""
    _spans.clear()
