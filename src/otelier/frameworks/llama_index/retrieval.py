"""Retrievals: what is found for a query, whichever retrievers it takes."""

from __future__ import annotations

from typing import Any, Final

from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.llama_index import seen, stores
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.llama_index.stores import Part, Retrieval
from otelier.frameworks.steps import Run

# Where retrievers have their vector store.
_STORES: Final = ("_vector_store", "_property_graph_store")
_TOP_K: Final = ("_similarity_top_k", "similarity_top_k", "_top_k")


def begin(entered: Entered) -> Run | None:
    """A search begins. Retrievers that a retriever asks are no searches of their own."""
    owner = entered.owner
    if stores.searching():
        if steps.inner_steps():
            return seen.begin(entered, pipeline.step(statics.name(type(owner))), made=Part)
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
        made=Retrieval,
    )


def _source(retriever: Any) -> str | None:
    for held in _STORES:
        store = statics.member(retriever, held)
        found = stores.source(store) if store is not None else None
        if found is not None:
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
    return stores.document(statics.member(found, "node"), statics.member(found, "score"))
