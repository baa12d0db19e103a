"""Searches in a memory, as they were before there were vector stores."""

from __future__ import annotations

from typing import Any, Final

from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.semantic_kernel import others
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_OWNER: Final = "SemanticTextMemory"
_SEAM: Final = "search"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what searches a memory."""
    owner = getattr(module, _OWNER, None)
    if owner is None or _SEAM not in owner.__dict__:
        raise LookupError(f"{_OWNER}.{_SEAM}")
    patches.wrap(owner, _SEAM, around(_begin, _finish)[1])
    return f"{_OWNER}.{_SEAM}"


def _begin(memory: Any, args: Any, kwargs: Any) -> Handle | None:
    if not others.shown():
        return None
    collection = argument(args, kwargs, 0, "collection")
    query = argument(args, kwargs, 1, "query")
    limit = argument(args, kwargs, 2, "limit")
    return steps.begin(
        pipeline.retrieval(
            collection if type(collection) is str else None,
            query=query if type(query) is str else None,
            top_k=limit if type(limit) is int else None,
        )
    )


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if handle.wants_content:
        handle.set_documents([_document(each) for each in wire.items(result)])


def _document(found: Any) -> dict[str, Any]:
    held = statics.storage(found)
    document = {"id": held.get("id"), "content": held.get("text")}
    relevance = held.get("relevance")
    if relevance is not None:
        document["score"] = float(relevance)  # Maybe a number of numpy's.
    return {name: value for name, value in document.items() if value is not None}
