"""Ids and scores that single stores have in hand, and leave out of what their functions return.

Each of these makes documents of what the store's database has answered: that is looked at where it
passes by, and belongs to the search around.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from otelier import guard, statics, wire
from otelier.frameworks.langchain import found
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

# Where LanceDB has how near a row is, by the kind of search.
_NEAR: Final = ("_distance", "_relevance_score", "_score")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the function that this store's module has for that."""
    lance = vars(module).get("LanceDB")
    for owner, name, read in (
        (module, "_results_to_docs_and_scores", _chroma),
        (lance, "results_to_docs", _lance),
    ):
        if owner is not None and name in vars(owner):
            patches.wrap(owner, name, _wrapper(read))
            return name
    raise LookupError(f"no documents of results in {module.__name__}")


# (the store, if it is a method; what the database has answered) -> scores and ids in its order.
_Read = Callable[[Any, Any], tuple[Sequence[Any], Sequence[Any]]]


def _wrapper(read: _Read) -> Callable[[Any, Any, Any, Any], Any]:
    def make(wrapped: Callable[..., Any], store: Any, args: Any, kwargs: Any) -> Any:
        made = wrapped(*args, **kwargs)
        try:
            search = found.around()
            if search is not None and search.wants_content:
                scores, ids = read(store, argument(args, kwargs, 0, "results"))
                search.saw(_together(wire.items(made), scores, ids))
        except Exception:
            guard.failed("langchain.answering")
        return made

    return make


def _together(made: Sequence[Any], scores: Sequence[Any], ids: Sequence[Any]) -> list[Any]:
    if len(made) not in (len(scores), len(ids)):
        # What has no text was left out: which is which is not known.
        return list(made)
    documents = [wire.items(each)[0] if wire.items(each) else each for each in made]
    scores, ids = (each if len(each) == len(made) else [None] * len(made) for each in (scores, ids))
    return list(zip(documents, scores, ids, strict=True))


def _chroma(_: Any, results: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    answer = wire.fields(results)
    first = [wire.items(answer.get(name))[:1] for name in ("distances", "ids")]
    scores, ids = (wire.items(each[0]) if each else () for each in first)
    return scores, ids


def _lance(store: Any, results: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    if not statics.made_by(type(results), frozenset({"pyarrow"})):
        return (), ()
    columns: list[str] = results.column_names
    near = next((name for name in _NEAR if name in columns), None)
    named = statics.member(store, "_id_key")
    scores = results.column(near).to_pylist() if near is not None else ()
    ids = results.column(named).to_pylist() if named in columns else ()
    return scores, ids
