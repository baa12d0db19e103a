"""Content that goes the quick way is what the patient way makes of it, each time that it comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from otelier.content import Policy
from otelier.settings import Settings
from tests.unit.redaction.innocent import innocent
from tests.unit.redaction.secrets import secrets

SECRET = [text for text, _ in secrets()]
INNOCENT = list(innocent())
NAMES = ("password", "token", "content", "x")


def text(chance: Random) -> str:
    lines = chance.choice((1, 1, 3, 30, 200))
    found = "\n".join(chance.choice(INNOCENT) for _ in range(lines))
    more = chance.choice(("", "", "", chance.choice(SECRET), "é漢\x00" * 200, "\ud800"))
    return chance.choice((found, more, found + "\n" + more))


def value(chance: Random, depth: int = 0) -> Any:
    if depth > 2 or chance.random() < 0.4:
        return text(chance)
    inner = [value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return chance.choice((inner, {chance.choice(NAMES): each for each in inner}, 2.5, None))


def part(chance: Random) -> dict[str, Any]:
    found: list[Callable[[], dict[str, Any]]] = [
        lambda: {"type": "text", "content": text(chance)},
        lambda: {"type": "text", "content": text(chance), "more": 1},
        lambda: {"type": "reasoning", "content": text(chance)},
        lambda: {"type": "tool_call", "name": "f", "id": "1", "arguments": value(chance)},
        lambda: {"type": "tool_call_response", "response": value(chance), "id": "1"},
        lambda: {"type": "blob", "modality": "image", "content": "aGVsbG8gd29ybGQ="},
    ]
    return chance.choice(found)()


def message(chance: Random) -> dict[str, Any]:
    found: dict[str, Any] = {"role": chance.choice(("user", "assistant", "odd"))}
    found["parts"] = [part(chance) for _ in range(chance.choice((0, 1, 1, 1, 2)))]
    return found | chance.choice(({}, {}, {"finish_reason": "stop"}, {"name": "bob"}))


def tool(chance: Random) -> dict[str, Any]:
    return {"type": "function", "name": "f", "description": text(chance), "parameters": {}}


def said(chance: Random) -> dict[str, Any]:
    return {"role": "user", "parts": [{"type": "text", "content": text(chance)}]}


@pytest.mark.parametrize("budgets", [(2000, 3000), (20_000, 50_000), (128 * 1024, 1 << 20)])
@pytest.mark.parametrize("kind", [message, said], ids=["any", "texts"])
def test_both_ways_lead_to_the_same(
    kind: Callable[[Random], Any], budgets: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(sum(budgets))
    settings = Settings(message_bytes=budgets[0], span_bytes=budgets[1])
    at_once = Policy._at_once
    went = 0

    def counted(policy: Policy, items: list[Any], budget: int) -> bytes | None:
        nonlocal went
        found = at_once(policy, items, budget)
        went += found is not None
        return found

    for _ in range(12):
        quick, patient = Policy(settings), Policy(settings)
        messages = [kind(chance) for _ in range(chance.choice((1, 2, 5, 20)))]
        system = [part(chance) for _ in range(chance.choice((0, 1, 1, 2)))]
        tools = [tool(chance) for _ in range(chance.choice((0, 2, 8)))]
        for _ in range(4):
            found: list[dict[str, Any]] = [{}, {}]
            for policy, way, attributes in (
                (quick, counted, found[0]),
                (patient, lambda policy, items, budget: None, found[1]),
            ):
                monkeypatch.setattr(Policy, "_at_once", way)
                policy.render(messages, messages[:1], system, tools, attributes)
            assert found[0] == found[1]
            for each in found[0].values():
                assert type(each) is not str or type(json.loads(each)) is list
            messages = [*messages, kind(chance)]
    assert went > 40
