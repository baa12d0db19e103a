"""Retrievals: what a retriever finds for a query. Those that a retriever asks are a part of it."""

from __future__ import annotations

from typing import Any, Final

from otelier import context as ctx
from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.haystack import embeddings, reading, running
from otelier.handle import Handle, NoHandle

# What is in the name of what searches.
_NAMES: Final = ("Retriever", "WebSearch")


class _Search(running.Running):
    """A retrieval, inside of which others are a part of it."""

    __slots__ = ("whose",)

    # The retriever, by its identity: a handle keeps none alive.
    whose: int


def searches(kind: type) -> bool:
    """Whether a class is one of what searches, by its name."""
    return any(part in name for name in reading.names(kind) for part in _NAMES)


def begin(owner: Any, args: Any, kwargs: Any) -> Handle | None:
    """A search begins, unless what is called finds no documents."""
    if "documents" not in reading.outputs(owner) or not running.shown():
        return None
    around = ctx.current().get(ctx.STEP)
    if type(around) is _Search and not around.ended:
        if around.whose == id(owner) or not steps.inner_steps():
            return None
        return running.begin(pipeline.step(statics.name(type(owner))))
    most = kwargs.get("top_k")
    if most is None:
        most = statics.member(owner, "top_k", statics.member(owner, "_top_k"))
    step = pipeline.retrieval(
        reading.source(owner),
        query=_query(args, kwargs),
        top_k=most if type(most) is int else None,
    )
    handle = running.begin(step, _Search)
    if isinstance(handle, _Search):
        handle.whose = id(owner)
    return handle


def _query(args: Any, kwargs: Any) -> str | None:
    """The text that is looked for; of one that is given as numbers, the one that they are of."""
    asked = args[0] if args else None
    for name in ("query", "text", "queries", "query_embedding"):
        asked = kwargs.get(name, asked)
        if asked is not None:
            break
    if type(asked) is str:
        return asked
    texts = [each for each in wire.items(asked) if type(each) is str]
    return "\n".join(texts) or embeddings.text(asked)


def finish(handle: Handle | NoHandle, result: Any) -> None:
    """The search is over: which documents it has found."""
    if type(handle) is _Search and handle.wants_content and type(result) is dict:
        handle.set_documents(list(map(reading.document, wire.items(result.get("documents")))))
