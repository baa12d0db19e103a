"""What a retrieval found, as the conventions' documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otelier import wire


def retrieved(documents: Any) -> list[dict[str, Any]]:
    """Documents from dicts, objects, texts, or (document, score) pairs."""
    return [_document(item) for item in _listed(documents)]


def _listed(documents: Any) -> Sequence[Any]:
    kind = type(documents)
    if issubclass(kind, list | tuple):
        return wire.items(documents)
    if issubclass(kind, str):
        return [documents]
    members = wire.fields(documents)
    for name in ("documents", "results", "matches", "hits"):
        if issubclass(type(members.get(name)), list | tuple):
            return wire.items(members[name])
    return [documents] if members else ()


def _document(item: Any) -> dict[str, Any]:
    score = None
    if issubclass(type(item), tuple):
        pair = wire.items(item)
        if len(pair) == 2 and wire.number(wire.plain(pair[1])) is not None:
            item, score = pair[0], wire.plain(pair[1])
    shown = wire.plain(item)
    found: dict[str, Any] = shown if type(shown) is dict else {"content": shown}
    if score is not None:
        found.setdefault("score", score)
    if "page_content" in found and "content" not in found:
        found["content"] = found.pop("page_content")
    return found
