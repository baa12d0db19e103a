"""Searches in vector stores, by whichever function of whichever store.

A store has a dozen functions that search, which call each other, and each class has its own ones.
All of them are wrapped; the outermost call is the search, unless it is a part of a retriever's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import iscoroutinefunction
from types import FunctionType
from typing import Any, Final

from otelier import guard, pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.langchain import found, others
from otelier.frameworks.langchain.found import Search
from otelier.handle import Handle, NoHandle
from otelier.hooks import subclasses
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_HOW: Final = "similarity|max_marginal_relevance|hybrid|semantic_hybrid|vector|knn|metadata"
# As in ``asimilarity_search_with_relevance_scores``; what begins with ``_`` is only called inside.
_SEARCHES: Final = re.compile(rf"_?a?(?:(?:{_HOW})_)*search(?:_(?:with|by)_\w+)?")
# What stores call what they search, by the attributes in which they have it.
_SOURCES: Final = (
    *("_collection_name", "collection_name", "_table_name", "table_name"),
    *("_index_name", "index_name"),
)


class _Places:
    """How a function that searches is asked for what: by position or by name, from 0 on."""

    __slots__ = ("_most", "_positions")

    def __init__(self, function: Any) -> None:
        while type(inner := statics.storage(function).get("__wrapped__")) is FunctionType:
            function = inner
        code = function.__code__
        # Without the store itself.
        names = code.co_varnames[1 : code.co_argcount]
        self._positions = {name: at for at, name in enumerate(names)}
        defaults = function.__defaults__ or ()
        by_default = dict(zip(reversed(names), reversed(defaults), strict=False))
        self._most = (by_default | (function.__kwdefaults__ or {})).get("k")

    def query(self, args: Any, kwargs: Any) -> str | None:
        """The text that is searched for; None where that is a vector or an image."""
        text = self._given(args, kwargs, "query")
        return text if type(text) is str else None

    def most(self, args: Any, kwargs: Any) -> int | None:
        """How many documents are wanted."""
        given = self._given(args, kwargs, "k")
        return wire.count(self._most if given is None else given)

    def _given(self, args: Any, kwargs: Any, name: str) -> Any:
        return argument(args, kwargs, self._positions.get(name, len(args)), name)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what searches in all classes of stores."""
    store = vars(module).get("VectorStore")
    if store is None or store.__module__ != module.__name__:
        raise LookupError(f"no VectorStore in {module.__name__}")

    def look(kind: type) -> None:
        for name, value in list(vars(kind).items()):
            if _SEARCHES.fullmatch(name) and subclasses.has_a_body(value):
                patches.wrap_loosely(kind, name, _wrapper(name, value))

    subclasses.each(patches, store, look)
    return "VectorStore and what is made of it"


def _wrapper(name: str, function: Any) -> Callable[[Any, Any, Any, Any], Any]:
    asked = _Places(function)

    def begin(store: Any, args: Any, kwargs: Any) -> Handle | None:
        if name.startswith("_") or not steps.shown("langchain", others.found):
            return None
        query, most = asked.query(args, kwargs), asked.most(args, kwargs)
        step = pipeline.retrieval(source(store), query=query, top_k=most)
        handle = steps.begin(step, made=Search)
        if type(handle) is Search:
            handle.store, handle.asked = store, query is not None
        return handle

    # One that is not asynchronous itself may return what is.
    run, arun = around(begin, _finish, lasts=True)

    def search(wrapped: Callable[..., Any], store: Any, args: Any, kwargs: Any) -> Any:
        outer = found.around()
        if outer is None:
            return run(wrapped, store, args, kwargs)
        _part(outer, store, asked, args, kwargs)
        answer = wrapped(*args, **kwargs)
        _saw(outer, answer)
        return answer

    async def asearch(wrapped: Callable[..., Any], store: Any, args: Any, kwargs: Any) -> Any:
        outer = found.around()
        if outer is None:
            return await arun(wrapped, store, args, kwargs)
        _part(outer, store, asked, args, kwargs)
        answer = await wrapped(*args, **kwargs)
        _saw(outer, answer)
        return answer

    return asearch if iscoroutinefunction(function) else search


def _part(outer: Search, store: Any, asked: _Places, args: Any, kwargs: Any) -> None:
    """A search calls another function of its store, which may be told more than it was."""
    try:
        if outer.store is store:
            outer.asks(asked.query(args, kwargs), asked.most(args, kwargs))
    except Exception:
        guard.failed("langchain.stores")


def _saw(outer: Search, answer: Any) -> None:
    try:
        outer.saw(answer)
    except Exception:
        guard.failed("langchain.stores")


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if type(handle) is Search:
        handle.found(result)


def source(store: Any) -> str | None:
    """What a store calls what it searches."""
    told = (steps.given(statics.member(store, name)) for name in _SOURCES)
    return next((name for name in told if name is not None), None)
