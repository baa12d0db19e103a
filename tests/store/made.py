"""Stored spans by hand, for the tests of the store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from otelier.store.spans import StoredResource, StoredScope, StoredSpan

MOMENT = 1_795_168_800_000_000_000  # 2026-11-20 10:00:00 UTC
SECOND = 1_000_000_000
RESOURCE = StoredResource({"service.name": "shop"}, "https://example.org/resource")
SCOPE = StoredScope("otelier", "1.0")


def message(role: str, text: str) -> dict[str, Any]:
    """One message with one text."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def talk(turns: int, size: int = 200) -> list[dict[str, Any]]:
    """What was said in a conversation: a question and an answer each turn."""
    return [
        message(role, f"{role} {turn} ".ljust(size, "x"))
        for turn in range(turns)
        for role in ("user", "assistant")
    ]


def span(number: int, name: str = "step", **more: Any) -> StoredSpan:
    """A span of a trace of its own, ``number`` seconds after a fixed moment."""
    told: dict[str, Any] = {
        "trace_id": f"{number + 1:032x}",
        "span_id": f"{number + 1:016x}",
        "parent_id": None,
        "name": name,
        "start_ns": MOMENT + number * SECOND,
        "end_ns": MOMENT + number * SECOND + SECOND // 2,
        "resource": RESOURCE,
        "scope": SCOPE,
    }
    return StoredSpan(**{**told, **more})


def chat(
    number: int,
    said: list[dict[str, Any]],
    *,
    separators: tuple[str, str] = (",", ":"),
    attributes: dict[str, Any] | None = None,
    **more: Any,
) -> StoredSpan:
    """A model call that is sent all of ``said`` but the last message, which is its answer."""
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cost": 0.25,
        "gen_ai.input.messages": json.dumps(said[:-1], separators=separators),
        "gen_ai.output.messages": json.dumps(said[-1:], separators=separators),
        **(attributes or {}),
    }
    return span(number, "chat gpt-4o", **{"kind": "CLIENT", "attributes": told, **more})


def written(path: Path, spans: Iterable[StoredSpan]) -> Path:
    """A store with these spans."""
    # Who has spans made need not have imported what writes them.
    from otelier.store.writer import Writer

    writer = Writer(path)
    writer.write(list(spans))
    writer.close()
    return path
