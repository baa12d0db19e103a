"""What a retrieval found, as the conventions' documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otelier import wire


def retrieved(documents: Any) -> list[dict[str, Any]]:
    """Documents from dicts, objects, texts, or (document, score) pairs."""
    return [_document(item) for item in _listed(documents)]


def _listed(documents: Any) -> Sequence[Any]:
    if isinstance(documents, Mapping):
        for name in ("documents", "results", "matches", "hits"):
            if isinstance(documents.get(name), list | tuple):
                return documents[name]  # type: ignore[no-any-return]
        return [documents]
    return wire.items(documents) or ([documents] if isinstance(documents, str) else ())


def _document(item: Any) -> dict[str, Any]:
    score = None
    if isinstance(item, tuple) and len(item) == 2 and wire.number(item[1]) is not None:
        item, score = item
    if isinstance(item, str):
        found: dict[str, Any] = {"content": item}
    else:
        shown = wire.plain(item)
        found = shown if isinstance(shown, dict) else {"content": shown}
    if score is not None:
        found.setdefault("score", score)
    if "page_content" in found and "content" not in found:
        found["content"] = found.pop("page_content")
    return found
