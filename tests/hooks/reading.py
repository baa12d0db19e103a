"""What tests of hooks ask of a span: its facts, with content that fits the conventions' schemas."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from tests.schemas.model import SEMCONV, violations

PRESENT = SEMCONV.is_dir()


def facts(span: ReadableSpan) -> dict[str, Any]:
    """The span's attributes, with content as data, and without what varies."""
    found: dict[str, Any] = {}
    for name, value in (span.attributes or {}).items():
        if name in ("server.address", "server.port", "gen_ai.response.time_to_first_chunk"):
            continue
        if name.endswith((".messages", "_instructions", ".definitions", ".documents")):
            value = json.loads(str(value))
            if PRESENT:
                assert not violations(name, value)
        if name == "gen_ai.output.messages":
            without_reasons(span, value)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def without_reasons(span: ReadableSpan, messages: list[dict[str, Any]]) -> None:
    """Take out of each message why it ended: what the span says of the choices, one by one."""
    told: Any = (span.attributes or {}).get("gen_ai.response.finish_reasons", ())
    reasons = list(told) if len(told) == len(messages) else ["unknown"] * len(messages)
    assert [message.pop("finish_reason", None) for message in messages] == reasons


def text(role: str, content: str) -> dict[str, Any]:
    """A message of one text."""
    return {"role": role, "parts": [{"type": "text", "content": content}]}
