"""Searches in an agent's knowledge."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import errors, guard, pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.agno import reading
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# How Agno logs what a search has raised; it finds nothing then.
_FAILED: Final = "Error searching"


class _Search(Handle):
    """A search."""

    __slots__ = ()


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
    if "log_error" in module.__dict__:
        patches.wrap(module, "log_error", _logged)
    return "Knowledge.search"


def _begin(knowledge: Any, args: Any, kwargs: Any) -> Handle | None:
    if not reading.shown():
        return None
    query = argument(args, kwargs, 0, "query")
    most = argument(args, kwargs, 1, "max_results") or statics.member(knowledge, "max_results")
    step = pipeline.retrieval(
        reading.text(knowledge, "name"),
        query=query if type(query) is str else None,
        top_k=most if type(most) is int else None,
    )
    return steps.begin(step, made=_Search)


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


def _logged(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    try:
        said, error = argument(args, kwargs, 0, "msg"), sys.exc_info()[1]
        if error is not None and type(said) is str and said.startswith(_FAILED):
            handle = ctx.current().get(ctx.STEP)
            if type(handle) is _Search:
                # As it is logged: without what the provider said of the credentials.
                handle.note_failure(errors.kind(error), said)
    except Exception:
        guard.failed("agno.logged")
    return wrapped(*args, **kwargs)
