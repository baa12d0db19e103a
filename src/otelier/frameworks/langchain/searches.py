"""Runs of retrievers.

Their bodies run in no context of their own: the callback makes the step current, and the function
around (``invoke``, ``ainvoke``) sees to it that it is left again, whatever happens. One whose
class has functions of its own is a span, and not current in its body.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, pipeline, statics, values, wire
from otelier.frameworks.langchain import endings, stores
from otelier.frameworks.langchain.found import Search
from otelier.frameworks.langchain.open_runs import conversation, runs, user
from otelier.hooks.patching import Patches

# The retriever that asks its store for what it was asked for, and no more.
_PLAIN: Final = ("langchain_core.vectorstores.base", "langchain_core.vectorstores")


class _Search:
    """One call of a retriever's function."""

    __slots__ = ("outer", "retriever", "run_id", "token")

    def __init__(self, retriever: Any) -> None:
        self.outer = _search.get()
        self.retriever = retriever
        self.run_id: Any = None
        self.token: Token[Context] | None = None


_search: ContextVar[_Search | None] = ContextVar("otelier-langchain-search", default=None)


def begin(query: Any, run_id: Any, parent_id: Any, metadata: Any) -> None:
    """A run begins."""
    search = _search.get()
    if search is not None:
        _search.set(None)
    text = values.words(query) if issubclass(type(query), str) else None
    whose = metadata if runs.of(parent_id) is None else None
    held = statics.storage(search.retriever) if search is not None else {}
    store = held.get("vectorstore")
    most = wire.count(wire.fields(held.get("search_kwargs")).get("k"))
    step = pipeline.retrieval(stores.source(store), query=text, top_k=most)
    run = runs.begin(
        run_id,
        parent_id,
        step,
        conversation_id=conversation(whose),
        user_id=user(whose),
        made=Search,
    )
    if run is None or search is None:
        return
    if type(run.handle) is Search and _asks_no_more(type(search.retriever)):
        run.handle.store, run.handle.asked = store, text is not None
    search.run_id = run_id
    search.token = ctx.attach(run.context)


def end(run_id: Any, documents: Any, error: BaseException | None) -> None:
    """A run ends."""
    run = runs.pop(run_id)
    if run is None or run.handle is None:
        return
    if error is None and type(run.handle) is Search:
        run.handle.found(documents)
    endings.end(run.handle, error)


def _asks_no_more(retriever: type) -> bool:
    return any(
        statics.name(base) == "VectorStoreRetriever" and statics.identity(base)[0] in _PLAIN
        for base in statics.bases(retriever)
    )


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the functions of the base class of all retrievers."""
    retriever = vars(module).get("BaseRetriever")
    if retriever is None or "invoke" not in vars(retriever) or "ainvoke" not in vars(retriever):
        raise LookupError(f"no BaseRetriever.invoke and ainvoke in {module.__name__}")
    patches.wrap(retriever, "invoke", _run)
    patches.wrap(retriever, "ainvoke", _arun)
    return "BaseRetriever.invoke and ainvoke"


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    search = _Search(owner)
    _search.set(search)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        _leave(search, error)
        raise
    _leave(search, None)
    return result


async def _arun(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    search = _Search(owner)
    _search.set(search)
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        _leave(search, error)
        raise
    _leave(search, None)
    return result


def _leave(search: _Search, error: BaseException | None) -> None:
    try:
        # Of one that never began, nothing is left for the next.
        _search.set(search.outer)
        if search.token is not None:
            ctx.detach(search.token)
        # The callbacks are not told of a cancellation.
        if search.run_id is not None:
            end(search.run_id, None, error)
    except Exception:
        guard.failed("langchain.searches")
