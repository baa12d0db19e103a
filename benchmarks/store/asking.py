"""Asks a store everything that can be asked of it, and says how long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from otelier.questions import asking
from otelier.questions.table import QUESTIONS
from otelier.store.engine import Engine, StoreError
from otelier.store.opening import opened

ROUNDS: Final = 5
# A question that takes longer is asked twice.
PATIENCE: Final = 2.0
RARE: Final = "zümuvote"
# What is asked beside each question as it stands.
WAYS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "traces": (
        {"limit": 50},
        {"session": "$session"},
        {"user": "$user"},
        {"tenant": "$tenant", "status": "error"},
    ),
    "calls": ({"session": "$session"}, {"user": "$user"}, {"tenant": "$tenant", "status": "error"}),
    "costs": (
        {"since": "24h"},
        {"since": "7d", "by": "user"},
        {"by": "user"},
        {"by": "session"},
        {"by": "tag"},
        {"by": "agent"},
        {"by": "day"},
        {"user": "$user"},
        {"tenant": "$tenant"},
    ),
    "latency": ({"since": "24h"}, {"by": "user"}),
    "sessions": ({"order": "cost"}, {"user": "$user"}),
    "errors": ({"since": "24h"},),
    "cache": ({"since": "24h"},),
}
# What a question has to be told.
TOLD: Final[Mapping[str, dict[str, Any]]] = {
    "trace": {"trace_id": "$trace_id"},
    "call": {"id": "$span_id"},
    "conversation": {"id": "$conversation"},
    "compare": {"a": "1", "b": "2", "by": "prompt_version", "prompt": "research"},
    "search": {"text": RARE},
}


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took in seconds: at first, and at best."""

    name: str
    first: float
    best: float
    rows: int
    # Why there is no answer.
    failed: str = ""


def timed(name: str, ask: Callable[[], Any]) -> Timing:
    """Ask several times."""
    first = best = 0.0
    found: Any = ()
    for number in range(ROUNDS):
        began = time.perf_counter()
        try:
            found = ask()
        except StoreError as error:
            return Timing(name, 0.0, 0.0, 0, str(error))
        took = time.perf_counter() - began
        first = first or took
        best = took if not number else min(best, took)
        # What is made for the first answer is made once.
        if took > PATIENCE and number:
            break
    return Timing(name, first, best, len(found))


def example(engine: Engine) -> dict[str, Any]:
    """A call in the middle, with a conversation."""
    found = engine.ask(
        "SELECT trace_id, span_id, session, conversation, user, tenant FROM otelier.calls "
        "WHERE model_call AND conversation != '' AND error = '' ORDER BY time DESC LIMIT 1000"
    )
    return list(found.dicts())[-1]


def filled(given: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """With the example's values for ``$names``."""
    return {
        name: one[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for name, value in given.items()
    }


def shown(name: str, given: Mapping[str, Any]) -> str:
    """A question as it is asked."""
    told = ", ".join(
        f"{key}=…" if isinstance(value, str) and value.startswith("$") else f"{key}={value!r}"
        for key, value in given.items()
    )
    return f"{name}({told})"


def everything(path: Path) -> Iterator[Timing]:
    """Every question, and a whole trace as spans."""
    engine = opened(str(path))
    try:
        one = example(engine)
        yield timed("a trace as spans", lambda: engine.trace(one["trace_id"]))
        for question in QUESTIONS:
            told = TOLD.get(question.name, {})
            for way in (told, *WAYS.get(question.name, ())):
                given = filled(way, one)
                yield timed(
                    shown(question.name, way),
                    lambda q=question, g=given: asking.ask(q, engine, **g),  # type: ignore[misc]
                )
    finally:
        engine.close()
