"""Spans of agents that answer from documents, as otelier makes them: fast, and always the same.

A turn of a conversation is a trace: the HTTP server's span, a workflow, a sorting call, a retrieval
with its embedding, an agent that calls a model, tools and the model again, and the HTTP client's
spans in between. Each call carries the whole conversation so far. Spans come as a batch processor
gets them, inner ones first, with many conversations under way at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final, Literal, TypeAlias

from benchmarks.store.talks import Maker
from benchmarks.store.turns import MODELS, Turn
from otelier.store.spans import StoredSpan

Size: TypeAlias = Literal["real", "small"]
MINUTE: Final = 60 * 10**9
DAY: Final = 24 * 60 * MINUTE
# 2026-11-28 00:00 UTC: the newest span is at most an hour before.
END: Final = 1_795_824_000 * 10**9
DAYS: Final = 30
# Conversations that go on at the same time.
TOGETHER: Final = 24


def spans(count: int, size: Size, seed: int = 1, *, end_ns: int = END) -> Iterator[StoredSpan]:
    """So many spans over the thirty days before ``end_ns``, about 4 KB of messages a model call.

    ``size`` "small" leaves all content out, as ``OTELIER_CAPTURE_CONTENT=false`` does.
    """
    maker = Maker(Random(seed), size == "real", max(10, count // 500))
    talks = [maker.conversation() for _ in range(TOGETHER)]
    made = 0
    first = end_ns - DAYS * DAY
    step = (DAYS * DAY - 60 * MINUTE) // max(count, 1)
    while made < count:
        number = maker.random.randrange(TOGETHER)
        talk = talks[number]
        turn = Turn(talk, first + made * step).run()
        yield from turn[: count - made]
        made += len(turn)
        if talk.turns >= talk.last_turn:
            talks[number] = maker.conversation()


def conversation(turns: int, message_bytes: int, seed: int = 1) -> Iterator[StoredSpan]:
    """One chat of so many turns: each a model call that carries all messages before it.

    A turn is two new messages, question and answer, of about ``message_bytes`` each.
    """
    talk = Maker(Random(seed), True, 10).conversation()
    model = MODELS[0]
    for number in range(turns):
        turn = Turn(talk, END - DAY + number * MINUTE)
        talk.say("user", message_bytes)
        turn.chat(model, "", message_bytes)
        yield turn.made[-1]
