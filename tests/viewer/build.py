"""Spans by hand, with times in milliseconds after a fixed moment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from otelier.store.spans import HAS_IS_REMOTE, IS_REMOTE, StoredResource, StoredSpan
from otelier.viewer import tree
from otelier.viewer.look import Look

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MOMENT = 1_795_168_800_000_000_000  # 2026-11-20 10:00:00 UTC


def span(
    id: str,
    parent: str | None,
    name: str,
    begin: float = 0,
    end: float = 1,
    *,
    trace: str = TRACE,
    error: str = "",
    remote: bool = False,
    attributes: Mapping[str, Any] | None = None,
) -> StoredSpan:
    """A span, failed if there is an ``error``."""
    return StoredSpan(
        trace_id=trace,
        span_id=id,
        parent_id=parent,
        name=name,
        start_ns=MOMENT + round(begin * 1e6),
        end_ns=MOMENT + round(end * 1e6),
        attributes=attributes or {},
        status="ERROR" if error else "UNSET",
        status_message=error,
        resource=StoredResource({"service.name": "demo"}),
        flags=HAS_IS_REMOTE | (IS_REMOTE if remote else 0),
    )


def chat(
    id: str,
    parent: str | None,
    begin: float = 0,
    end: float = 1,
    *,
    operation: str = "chat",
    model: str = "gpt-6-luna",
    tokens: tuple[int, int] | None = (10, 5),
    cost: float | None = 0.001,
    error: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> StoredSpan:
    """A model call's span."""
    said: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
    }
    if tokens is not None:
        said |= dict(
            zip(("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), tokens, strict=True)
        )
    if cost is not None:
        said["gen_ai.usage.cost"] = cost
    said |= attributes or {}
    return span(id, parent, f"{operation} {model}", begin, end, error=error, attributes=said)


def messages(*roles_and_parts: Any) -> str:
    """The JSON of messages, given role, parts, role, parts …"""
    pairs = zip(roles_and_parts[::2], roles_and_parts[1::2], strict=True)
    return json.dumps([{"role": role, "parts": parts} for role, parts in pairs])


def said(text: str) -> list[dict[str, Any]]:
    """One text part."""
    return [{"type": "text", "content": text}]


def render(spans: Iterable[StoredSpan], **options: Any) -> str:
    """The picture of the spans with options of :class:`Look`."""
    return tree.render(spans, Look(**options))
