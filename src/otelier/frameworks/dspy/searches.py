"""Searches: DSPy's retrievers. One that asks another one is one search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from otelier import context as ctx
from otelier import guard, pipeline, statics, wire
from otelier.frameworks.dspy import methods, reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


class Search(Handle):
    """A search that runs."""

    __slots__ = ()


# Searches that run, by their retriever's identity and what they search for.
_running: Final[WeakValueDictionary[tuple[int, str], Search]] = WeakValueDictionary()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the retriever's call that is made in this module."""
    for name in ("Retrieve", "Embeddings", "ColBERTv2"):
        owner = module.__dict__.get(name)
        if owner is None or statics.identity(owner)[0] != module.__name__:
            continue
        run, arun = around(_begin, _finish)
        for method, wrapper in (("__call__", run), ("acall", run), ("_batch_forward", _batch)):
            if method in owner.__dict__:
                methods.replace(patches, owner, method, wrapper, arun)
        return f"{name}.__call__"
    raise LookupError(f"{module.__name__}.__call__")


def _begin(retriever: Any, args: Any, kwargs: Any) -> Handle | None:
    around: Any = ctx.current().get(ctx.STEP)
    if (type(around) is Search and not around.ended) or not running.shown():
        return None
    asked = argument(args, kwargs, 0, "query")
    if asked is None:
        asked = kwargs.get("query_or_queries")
    texts = [asked] if type(asked) is str else wire.items(asked)
    query = "\n".join(text for text in texts if type(text) is str)
    most = argument(args, kwargs, 1, "k")
    if most is None:
        most = statics.member(retriever, "k")
    step = pipeline.retrieval(query=query or None, top_k=most if type(most) is int else None)
    handle = running.begin(step, Search, program=running.in_program())
    if isinstance(handle, Search):
        _running[id(retriever), query] = handle
    return handle


def _batch(wrapped: Callable[..., Any], retriever: Any, args: Any, kwargs: Any) -> Any:
    """Searches of several are made together, in a thread that belongs to none: in the first one."""
    token = None
    try:
        for query in wire.items(argument(args, kwargs, 0, "queries")):
            search = _running.get((id(retriever), query)) if type(query) is str else None
            if search is not None and not search.ended:
                token = search.enter()
                break
    except Exception:
        guard.failed("dspy.batch")
    try:
        return wrapped(*args, **kwargs)
    finally:
        if token is not None:
            ctx.detach(token)


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content or result is None or statics.iterates(result):
        return
    fields = reading.stored(result)
    if fields is None:
        handle.set_documents([_document(each) for each in wire.items(result)])
        return
    passages = wire.items(fields.get("passages"))
    ids, scores = wire.items(fields.get("indices")), wire.items(fields.get("scores"))
    handle.set_documents(
        [
            _document(
                passage,
                ids[position] if len(ids) == len(passages) else None,
                scores[position] if len(scores) == len(passages) else None,
            )
            for position, passage in enumerate(passages)
        ]
    )


def _document(passage: Any, number: Any = None, score: Any = None) -> Any:
    if issubclass(type(passage), dict):
        held = dict(dict.items(passage))
        content = held.get("long_text", held.get("text", held.get("content")))
        number, score = held.get("pid", held.get("id", number)), held.get("score", score)
    elif type(passage) is str:
        content = passage
    else:
        return passage
    number = wire.plain(number)
    told = {"content": content, "id": number if number is None else str(number), "score": score}
    return {name: value for name, value in told.items() if value is not None}
