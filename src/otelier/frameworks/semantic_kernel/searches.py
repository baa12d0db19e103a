"""Searches in vector stores: a retrieval, which lasts until what was found has been read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import AsyncGeneratorType
from typing import Any, Final

from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.semantic_kernel import others, reading
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.returned import Hear

_OWNER: Final = "VectorSearch"
_SEAMS: Final = ("search", "hybrid_search")
_TOP: Final = 3
# No more documents of a search are told than these.
_MOST: Final = 100


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what searches any store."""
    owner = getattr(module, _OWNER, None)
    found = [name for name in _SEAMS if owner is not None and name in owner.__dict__]
    if not found:
        raise LookupError(f"{_OWNER}.search")
    for name in found:
        patches.wrap(owner, name, _search)
    return f"{_OWNER}.search"


def _begin(store: Any, args: Any, kwargs: Any) -> Handle | None:
    if not others.shown():
        return None
    query = argument(args, kwargs, 0, "values")
    top = kwargs.get("top", _TOP)
    handle = steps.begin(
        pipeline.retrieval(
            reading.string(store, "collection_name"),
            query=query if type(query) is str else None,
            top_k=top if type(top) is int else None,
        ),
        made=_Search,
    )
    if isinstance(handle, _Search):
        handle.read, handle.store = [], store
    return handle


class _Search(Handle):
    """A search, and what of its results has been read."""

    __slots__ = ("read", "store")

    read: list[Any]
    store: Any

    def _sum_up(self) -> None:
        if self.wants_content:
            known = statics.storage(statics.storage(self.store).get("definition"))
            self.set_documents([_document(each, known) for each in self.read])
        super()._sum_up()


def _pending(handle: Handle | NoHandle, result: Any) -> tuple[Any, Callable[[Any], None]] | None:
    held: Any = statics.storage(result)
    found = held.get("results")
    if type(found) is not AsyncGeneratorType or type(held) is not dict:
        return None
    return found, lambda ours: held.update(results=ours)


def _hearing(handle: Handle | NoHandle) -> Hear:
    if not isinstance(handle, _Search) or not handle.wants_content:
        return None
    read = handle.read

    def hear(item: Any) -> None:
        if len(read) < _MOST:
            read.append(item)

    return hear


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    """Nothing is left to be read."""


_search: Final = around(_begin, _finish, pending=_pending, hearing=_hearing)[1]


def _document(found: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    held = statics.storage(found)
    record = held.get("record")
    values = record if type(record) is dict else statics.storage(record)
    document: dict[str, Any] = {"id": values.get(str(known.get("key_name")))}
    data = {
        name: values[name]
        for name in map(_data, wire.items(known.get("fields") or ()))
        if name is not None and values.get(name) is not None
    }
    texts = [name for name, value in data.items() if type(value) is str]
    if len(texts) == 1:
        document["content"] = data.pop(texts[0])
    if held.get("score") is not None:
        document["score"] = held["score"]
    if data:
        document["metadata"] = data
    return document


def _data(field: Any) -> str | None:
    held = statics.storage(field)
    kind = held.get("field_type")
    data = statics.storage(kind).get("_value_", kind) == "data"
    return held.get("name") if data else None
