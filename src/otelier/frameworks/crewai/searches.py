"""Searches in an agent's memory and in its knowledge."""

from __future__ import annotations

from typing import Any

from otelier import pipeline, statics, wire
from otelier.frameworks.crewai import reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the search of the class that this module has."""
    found = []
    for owner, method, begin, finish in (
        ("Knowledge", "query", _query, _found),
        ("Knowledge", "aquery", _query, _found),
        # ``arecall`` is this one.
        ("Memory", "recall", _recall, _remembered),
    ):
        kind = module.__dict__.get(owner)
        if kind is not None and method in kind.__dict__:
            run, arun = around(begin, finish)
            patches.wrap(kind, method, arun if method.startswith("a") else run)
            found.append(f"{owner}.{method}")
    if not found:
        raise LookupError(f"{module.__name__}.query")
    return found[0]


def _query(knowledge: Any, args: Any, kwargs: Any) -> Handle | None:
    asked = argument(args, kwargs, 0, "query")
    texts = [asked] if type(asked) is str else wire.items(asked)
    query = "\n".join(text for text in texts if type(text) is str)
    most = argument(args, kwargs, 1, "results_limit")
    name = reading.text(knowledge, "collection_name")
    if name is None:
        name = reading.text(statics.member(knowledge, "storage"), "collection_name")
    return _begin(name, query, most)


def _recall(memory: Any, args: Any, kwargs: Any) -> Handle | None:
    asked = argument(args, kwargs, 0, "query")
    most = argument(args, kwargs, 3, "limit")
    return _begin(None, asked, most)


def _begin(name: str | None, query: Any, most: Any) -> Handle | None:
    if not running.shown():
        return None
    step = pipeline.retrieval(
        name,
        query=query if type(query) is str else None,
        top_k=most if type(most) is int else None,
    )
    return running.begin(step)


def _found(handle: Handle | NoHandle, result: Any) -> None:
    if result is not None and not statics.iterates(result):
        handle.set_documents(result)


def _remembered(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content:
        return
    documents = []
    for match in wire.items(result):
        record = statics.member(match, "record")
        documents.append(
            {
                "id": statics.member(record, "id"),
                "content": statics.member(record, "content"),
                "score": statics.member(match, "score"),
            }
        )
    handle.set_documents(documents)
