"""Retrievals: what is found for a query, whichever retrievers it takes."""

from __future__ import annotations

from typing import Any, Final

from otelier import context as ctx
from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.llama_index import messages, seen
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.steps import Run
from otelier.handle import Handle

# Where retrievers have their vector store, and how those call what they search.
_STORES: Final = ("_vector_store", "_property_graph_store")
_SOURCES: Final = ("collection_name", "index_name", "table_name", "class_name_")
_TOP_K: Final = ("_similarity_top_k", "similarity_top_k", "_top_k")


class _Retrieval(Handle):
    """A retrieval, inside of which others are a part of it."""

    __slots__ = ()


def begin(entered: Entered) -> Run | None:
    """A search begins. Retrievers that a retriever asks are no searches of their own."""
    owner = entered.owner
    if type(ctx.current().get(ctx.STEP)) is _Retrieval:
        if steps.inner_steps():
            return seen.begin(entered, pipeline.step(statics.name(type(owner))))
        return None
    query = entered.arguments.get("str_or_query_bundle")
    text = query if isinstance(query, str) else statics.member(query, "query_str")
    return seen.begin(
        entered,
        pipeline.retrieval(
            _source(owner),
            query=text if isinstance(text, str) else None,
            top_k=_number(owner),
        ),
        finish,
        made=_Retrieval,
    )


def _source(retriever: Any) -> str | None:
    for held in _STORES:
        store = statics.member(retriever, held)
        for name in _SOURCES if store is not None else ():
            found = statics.member(store, name)
            if isinstance(found, str) and found:
                return found
    return None


def _number(retriever: Any) -> int | None:
    for name in _TOP_K:
        found = statics.member(retriever, name)
        if type(found) is int:
            return found
    return None


def finish(run: Run, result: Any) -> None:
    """The search is over: which documents it has found."""
    if run.handle is None:
        return
    if run.handle.wants_content:
        run.handle.set_documents([_document(each) for each in wire.items(result)])
    run.handle.end()


def _document(found: Any) -> dict[str, Any]:
    node = statics.member(found, "node")
    document: dict[str, Any] = {"id": statics.member(node, "id_")}
    text = messages.node(node)
    if text is not None:
        document["content"] = text
    score = statics.member(found, "score")
    if score is not None:
        document["score"] = score
    metadata = statics.member(node, "metadata")
    if metadata:
        document["metadata"] = metadata
    return document
