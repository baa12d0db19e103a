"""Which model call an object belongs to that an SDK gave the program: a stream, a raw response.

Known while the call runs, and held weakly. A step that returns such an object lasts as long as its
call; the object stays what it is.

And which span an answer of lately belongs to, by the id that its provider gave it. For a thousand
of them an id and the address of a span are held, 400 bytes each: no answer, and nothing of the
program's.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeAlias

from opentelemetry.trace import Span, SpanContext

from otelier import statics

# Told of a call's end: the exception, if one passed; how it was left, if it was; the answer's
# messages, where they were rendered; and when it was, in nanoseconds. Must not raise.
After: TypeAlias = Callable[[BaseException | None, str | None, list[Any], int], None]

# Ways of hooks to put something around the request, a function or a coroutine, that an object has
# yet to send; they say whether it has one.
lazies: list[Callable[[Any, Callable[[Any], Any]], bool]] = []

# By id, for what SDKs give need not have a hash of its own.
_noted: dict[int, tuple[weakref.ref[Any], weakref.ref[Any]]] = {}
# Helpers of SDKs hold the stream (Anthropic's ``MessageStream``), programs may return it in a pair.
_DEPTH: Final = 3
_MOST: Final = 64


def note(given: Any, call: Any) -> None:
    """``given`` is what the program, or the SDK itself, reads ``call``'s answer from."""
    key = id(given)
    try:
        _noted[key] = (weakref.ref(given, lambda _: _noted.pop(key, None)), weakref.ref(call))
    except TypeError:  # It cannot be referred to weakly.
        return


def of(given: Any) -> Any:
    """The call that runs on as long as ``given`` is read; None where there is none.

    Looks at what is stored, also in what an iterable holds; nothing of the program's runs.
    """
    if not _noted:
        return None
    level = [given]
    for depth in range(_DEPTH):
        for each in level:
            found = _noted.get(id(each))
            if found is not None and found[0]() is each:
                call = found[1]()
                if call is not None and not call.ended:
                    return call
        if depth < _DEPTH - 1:
            inner = (each for outer in level for each in _held(outer))
            level = list(islice(inner, _MOST))
    return None


def _held(value: Any) -> Iterator[Any]:
    kind = type(value)
    if kind is dict:
        yield from list(islice(value.values(), _MOST))
    elif issubclass(kind, list | tuple):
        several: Any = tuple.__iter__ if issubclass(kind, tuple) else list.__iter__
        yield from islice(several(value), _MOST)
    elif any(statics.on_class(kind, name) is not None for name in ("__iter__", "__aiter__")):
        yield from list(statics.storage(value).values())[:_MOST]


# --- what is over -------------------------------------------------------------------------------

ANSWERS: Final = 1000
# How many more may come before the oldest are forgotten.
SOME: Final = 50
# Used by many threads: a dictionary's own operations are atomic.
_answers: Final[OrderedDict[Any, SpanContext]] = OrderedDict()
_room = SOME


def answer(answer_id: Any, span: Span, again: bool = False) -> None:
    """``span`` is of the call that gave this answer; ``again``: that fetched one given before."""
    global _room
    if again and answer_id in _answers:
        return
    _answers[answer_id] = span.get_span_context()
    _room -= 1
    if _room < 0:
        _trim()


def _trim() -> None:
    # Not with each: that would be a call more for every model call.
    global _room
    _room = SOME
    while len(_answers) > ANSWERS:
        try:
            _answers.popitem(last=False)
        except KeyError:
            return


def address(answer_id: str) -> SpanContext | None:
    """The address of the span that an answer belongs to."""
    return _answers.get(answer_id)


def known() -> int:
    """How many answers are known."""
    return len(_answers)


def forget() -> None:
    """Forget all of them."""
    global _room
    _answers.clear()
    _room = SOME
