"""A search that runs, and which documents came of it with which scores.

A store answers in its own functions with documents and scores, and what the program has called
keeps the documents alone. What passes by in between is looked at; nothing is asked for.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import context as ctx
from otelier import semconv, statics, wire
from otelier.handle import Handle

# Where rerankers leave the score: theirs is the last word.
_RERANKED: Final = "relevance_score"
# Where retrievers of scored documents leave it.
_SCORE: Final = "score"
# Where Qdrant's store has the id.
_ID: Final = "_id"


class Search(Handle):
    """A retriever's run, or a search in a store. Searches in a store that it makes are its own."""

    __slots__ = ("_answers", "asked", "store")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What functions of stores have answered, in the order in which they did.
        self._answers: list[Any] = []
        # The store that is searched, where the search is for what that is asked for.
        self.store: Any = None
        # Whether it is known what is searched for.
        self.asked = False

    def asks(self, query: str | None, most: int | None) -> None:
        """What is searched for, and how many documents are wanted, if only a part of it knows."""
        if most is not None and self.get(semconv.RETRIEVAL_TOP_K) is None:
            self.set(semconv.RETRIEVAL_TOP_K, most)
        if query is not None and not self.asked:
            self.asked = True
            self.set_query(query)

    def saw(self, answer: Any) -> None:
        """A function of a store has answered, on whose answer that of this search rests."""
        if self.wants_content and wire.items(answer):
            self._answers.append(answer)

    def found(self, documents: Any) -> None:
        """What the search has found: documents, or pairs of one and a score."""
        if not self.wants_content:
            return
        scores: dict[int, Any] = {}
        ids: dict[int, Any] = {}
        for answer in (*self._answers, documents):
            for each in wire.items(answer):
                document, score, name = _parts(each)
                if score is not None:
                    scores[id(document)] = score
                if name is not None:
                    ids[id(document)] = name
        self.set_documents([_shown(each, scores, ids) for each in wire.items(documents)])

    def _end(self, *args: Any) -> None:
        super()._end(*args)
        # Contexts that hold this outlive the search.
        self._answers = []
        self.store = None


def around() -> Search | None:
    """The search that the code which runs here is a part of."""
    step: Any = ctx.current().get(ctx.STEP)
    return step if type(step) is Search and not step.ended else None


def _parts(each: Any) -> tuple[Any, Any, str | None]:
    """A document, with its score and its id as far as they are beside it."""
    if not issubclass(type(each), tuple):
        return each, None, None
    members: tuple[Any, ...] = (*wire.items(each), None, None, None)
    document, score, name = members[:3]
    return document, wire.measure(score), name if type(name) is str else None


def _shown(each: Any, scores: dict[int, Any], ids: dict[int, Any]) -> Any:
    value = _parts(each)[0]
    held = statics.storage(value)
    if "page_content" not in held:
        return each
    metadata = wire.fields(held.get("metadata"))
    score = metadata.get(_RERANKED, scores.get(id(value)))
    found = {
        "id": held.get("id") or ids.get(id(value)) or metadata.get(_ID),
        "content": held["page_content"],
        "score": wire.measure(metadata.get(_SCORE) if score is None else score),
        "metadata": metadata or None,
    }
    return {name: member for name, member in found.items() if member is not None}
