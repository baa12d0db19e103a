"""Searches in an agent's knowledge."""

from __future__ import annotations

import inspect
from typing import Any

from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.agno import reading
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the search of ``Knowledge``, under its newer and its older name."""
    owner = module.__dict__.get("Knowledge")
    found = []
    for method in ("search", "asearch", "async_search"):
        function = owner.__dict__.get(method) if owner is not None else None
        if function is not None:
            run, arun = around(_begin, _finish)
            patches.wrap(owner, method, arun if inspect.iscoroutinefunction(function) else run)
            found.append(method)
    if not found:
        raise LookupError("agno.knowledge.knowledge.Knowledge.search")
    return "Knowledge.search"


def _begin(knowledge: Any, args: Any, kwargs: Any) -> Handle | None:
    if not steps.shown(reading.NAME, reading.wrappers):
        return None
    query = argument(args, kwargs, 0, "query")
    most = argument(args, kwargs, 1, "max_results") or statics.member(knowledge, "max_results")
    step = pipeline.retrieval(
        reading.text(knowledge, "name"),
        query=query if type(query) is str else None,
        top_k=most if type(most) is int else None,
    )
    return steps.begin(step)


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content:
        return
    documents = []
    for each in wire.items(result):
        held = {"id": "id", "content": "content", "name": "name", "score": "reranking_score"}
        shown = {name: statics.member(each, where) for name, where in held.items()}
        meta = statics.member(each, "meta_data")
        shown["metadata"] = meta or None
        documents.append({name: value for name, value in shown.items() if value is not None})
    handle.set_documents(documents)
