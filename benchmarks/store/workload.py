"""Spans of agents that answer from documents, as otelier makes them: fast, and always the same.

A turn of a conversation is a trace: the HTTP server's span, a workflow, a sorting call, a retrieval
with its embedding, an agent that calls a model, tools and the model again, and the HTTP client's
spans in between. Each call carries the whole conversation so far. Spans come as a batch processor
gets them, inner ones first; turns follow each other within minutes, and conversations overlap where
there are many.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random
from typing import Final, Literal, TypeAlias

from benchmarks.store.talks import Maker, Talk
from benchmarks.store.turns import MODELS, Turn
from otelier.store.spans import StoredSpan

Size: TypeAlias = Literal["real", "small"]
SECOND: Final = 10**9
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
# 2026-11-28 00:00 UTC: the newest span is at most an hour before.
END: Final = 1_795_824_000 * 10**9
DAYS: Final = 30


def spans(count: int, size: Size, seed: int = 1, *, end_ns: int = END) -> Iterator[StoredSpan]:
    """So many spans over the thirty days before ``end_ns``, about 4 KB of messages a model call.

    ``size`` "small" leaves all content out, as ``OTELIER_CAPTURE_CONTENT=false`` does.
    """
    maker = Maker(Random(seed), size == "real", max(10, count // 500))
    made = 0
    first = end_ns - DAYS * DAY
    step = (DAYS * DAY - HOUR) // max(count, 1)
    # Conversations that go on, by when their next turn begins.
    due: list[tuple[int, int, Talk]] = []
    while made < count:
        now = first + made * step
        if due and due[0][0] <= now:
            began, number, talk = heappop(due)
        else:
            began, number, talk = now, made, maker.conversation()
        turn = Turn(talk, began).run()
        yield from turn[: count - made]
        made += len(turn)
        if talk.turns < talk.last_turn:
            pause = maker.random.randrange(10, 120) * SECOND
            heappush(due, (turn[-1].end_ns + pause, number, talk))


def conversation(turns: int, message_bytes: int, seed: int = 1) -> Iterator[StoredSpan]:
    """One chat of so many turns: each a model call that carries all messages before it.

    A turn is two new messages, question and answer, of about ``message_bytes`` each.
    """
    talk = Maker(Random(seed), True, 10).conversation()
    model = MODELS[0]
    for number in range(turns):
        turn = Turn(talk, END - DAY + number * 60 * SECOND)
        talk.say("user", message_bytes)
        turn.chat(model, "", message_bytes)
        yield turn.made[-1]
