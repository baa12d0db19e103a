"""What was said last in what the first model call of a trace was sent, in a local store.

A list is read from its end, and not much further than to what is looked for: one that has a long
conversation costs no more than one that has a question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from otelier.store.engine import Engine, Parameter
from otelier.store.said import messages

# Messages that are read of each list at first, from its end; then many times more.
_FIRST: Final = 4
_MORE: Final = 16
# Agents have messages, too, which repeat those of their model calls.
_LISTS: Final = (
    "SELECT trace_id, input FROM (SELECT trace_id, input, row_number() OVER "
    "(PARTITION BY trace_id ORDER BY model_call DESC, time, span_id) AS place "
    "FROM otelier.span WHERE trace_id IN (SELECT value FROM json_each(:ids)) "
    "AND operation != '' AND input != 0) WHERE place = 1"
)
_LINKS: Final = (
    "WITH RECURSIVE back (id, steps) AS (SELECT value, 1 FROM json_each(:ids) "
    "UNION SELECT link.previous, back.steps + 1 FROM back "
    "JOIN otelier.history AS link ON link.id = back.id WHERE back.steps < :most), "
    "one AS (SELECT DISTINCT id FROM back) "
    "SELECT link.id, link.previous, link.length, text.body FROM one "
    "JOIN otelier.history AS link ON link.id = one.id "
    "JOIN otelier.text AS text ON text.id = link.text"
)


def asked(engine: Engine, ids: Iterable[str], says: Callable[[str], str]) -> dict[str, str]:
    """By trace what the last message says that says anything; traces without one are left out.

    ``ids``: of the traces. ``says``: what is wanted of a message; '' for one that is not wanted.
    """
    found: dict[str, str] = {}
    # By link what its message says, and the link before it.
    known: dict[int, tuple[str, int]] = {}
    waiting = dict(engine.ask(_LISTS, {"ids": json.dumps(list(ids))}).rows)
    most = _FIRST
    while waiting:
        ends = set(waiting.values())
        known.update(_read(engine, ends, most, says))
        for trace_id, link in list(waiting.items()):
            text = ""
            while not text and link in known:
                text, link = known[link]
            waiting[trace_id] = link
            # Where a list begins there is none before; what cannot be read now never will.
            if text or not link or link in ends:
                del waiting[trace_id]
            if text:
                found[trace_id] = text
        most *= _MORE
    return found


def _read(
    engine: Engine, ends: Iterable[int], most: int, says: Callable[[str], str]
) -> Iterator[tuple[int, tuple[str, int]]]:
    """Links of lists, at most so many of each, from its end."""
    given: dict[str, Parameter] = {"ids": json.dumps(list(ends)), "most": most}
    for id, previous, length, body in engine.ask(_LINKS, given).rows:
        texts = map(says, reversed(messages(body, length)))
        yield id, (next(filter(None, texts), ""), previous)
