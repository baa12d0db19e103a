"""What tests of hooks ask of a span."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan


def facts(span: ReadableSpan) -> dict[str, Any]:
    """The span's attributes, with content as data, and without what varies."""
    found: dict[str, Any] = {}
    for name, value in (span.attributes or {}).items():
        if name in ("server.address", "server.port", "gen_ai.response.time_to_first_chunk"):
            continue
        if name.endswith((".messages", "_instructions", ".definitions", ".documents")):
            value = json.loads(str(value))
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def text(role: str, content: str) -> dict[str, Any]:
    """A message of one text."""
    return {"role": role, "parts": [{"type": "text", "content": content}]}
