"""Vector stores that a program asks itself, without a retriever, and what they call their own."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any, Final

from otelier import context as ctx
from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.llama_index import messages, seen
from otelier.handle import Handle, NoHandle
from otelier.hooks import subclasses
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_SEARCHES: Final = ("query", "aquery")
# How stores call what they search: by fields, or by attributes of their own.
_SOURCES: Final = (
    *("collection_name", "index_name", "table_name", "class_name_"),
    *("_collection_name", "_index_name", "_table_name"),
)
_PRIVATE: Final = "__pydantic_private__"


class Retrieval(Handle):
    """A retrieval, inside of which others are a part of it."""

    __slots__ = ()


class Part(Handle):
    """A step of a retrieval's own."""

    __slots__ = ()


def searching() -> bool:
    """Whether the code that runs here is a part of a retrieval."""
    step: Any = ctx.current().get(ctx.STEP)
    return type(step) in (Retrieval, Part) and not step.ended


def source(store: Any) -> str | None:
    """What a store calls what it searches."""
    private = wire.fields(statics.member(store, _PRIVATE))
    for name in _SOURCES:
        told = steps.given(statics.member(store, name, private.get(name)))
        if told is not None:
            return told
    # Chroma's store that was given a collection; of earlier ones the model is a dictionary.
    model = statics.member(private.get("_collection"), "_model")
    return steps.given(statics.member(model, "name", wire.fields(model).get("name")))


def document(node: Any, score: Any) -> dict[str, Any]:
    """A node that was found."""
    found: dict[str, Any] = {"id": statics.member(node, "id_")}
    text = messages.node(node)
    if text is not None:
        found["content"] = text
    if score is not None:
        found["score"] = score
    metadata = statics.member(node, "metadata")
    if metadata:
        found["metadata"] = metadata
    return found


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what searches in all classes of stores."""
    store = vars(module).get("BasePydanticVectorStore")
    if store is None:
        raise LookupError(f"no BasePydanticVectorStore in {module.__name__}")
    run, arun = around(_begin, _finish, lasts=True)

    def look(kind: type) -> None:
        for name in _SEARCHES:
            function = vars(kind).get(name)
            if subclasses.has_a_body(function):
                patches.wrap_loosely(kind, name, arun if iscoroutinefunction(function) else run)

    subclasses.each(patches, store, look)
    return "BasePydanticVectorStore and what is made of it"


def _begin(store: Any, args: Any, kwargs: Any) -> Handle | None:
    if searching() or not steps.shown(seen.LIBRARY, seen.others):
        return None
    asked = argument(args, kwargs, 0, "query")
    text = statics.member(asked, "query_str")
    step = pipeline.retrieval(
        source(store),
        query=text if type(text) is str else None,
        top_k=wire.count(statics.member(asked, "similarity_top_k")),
    )
    return steps.begin(step, made=Retrieval)


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content:
        return
    nodes, ids, scores = (
        wire.items(statics.member(result, name)) for name in ("nodes", "ids", "similarities")
    )
    count = max(len(nodes), len(ids))
    # Some have no scores at all.
    scores = scores if len(scores) == count else [None] * count
    if len(nodes) == count:
        documents = list(map(document, nodes, scores))
    else:
        # The text is kept elsewhere.
        documents = [
            {"id": id} if score is None else {"id": id, "score": score}
            for id, score in zip(ids, scores, strict=True)
        ]
    handle.set_documents(documents)
