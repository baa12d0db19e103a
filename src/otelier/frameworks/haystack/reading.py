"""What Haystack's objects say, looked at as they are stored: nothing of the program's runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from otelier import statics, wire

# The packages in which the framework's own classes are.
_ROOTS: Final = frozenset({"haystack", "haystack_integrations", "haystack_experimental"})
# How document stores call what they search.
_SOURCES: Final = tuple(
    f"{before}{name}"
    for name in ("collection_name", "index_name", "table_name", "index", "class_name")
    for before in ("", "_")
)

_namespace: Final = type.__dict__["__dict__"].__get__


def text(value: Any, name: str) -> str | None:
    """A stored text; None where there is none."""
    found = statics.member(value, name)
    return found if type(found) is str and found else None


def is_own(kind: type) -> bool:
    """Whether a class is the framework's own, or of one of its integrations."""
    return statics.identity(kind)[0].partition(".")[0] in _ROOTS


def names(kind: type) -> Iterable[str]:
    """The names of a class and of what it is made from."""
    return map(statics.name, statics.bases(kind))


def defines_run(kind: type) -> type | None:
    """The class of which a component's ``run`` is."""
    return next((base for base in statics.bases(kind) if "run" in _namespace(base)), None)


def is_programs(component: Any) -> bool:
    """Whether what a component does is the program's own: its ``run`` is not of Haystack's."""
    owner = defines_run(type(component))
    return owner is None or not is_own(owner)


def inputs(component: Any) -> Mapping[str, Any]:
    """The sockets by which a component is given something."""
    return _sockets(component, "__haystack_input__")


def outputs(component: Any) -> Mapping[str, Any]:
    """The sockets by which a component gives something."""
    return _sockets(component, "__haystack_output__")


def _sockets(component: Any, name: str) -> Mapping[str, Any]:
    found = statics.member(component, name)
    held = found if type(found) is dict else statics.member(found, "_sockets_dict")
    return held if type(held) is dict else {}


def name(component: Any) -> str | None:
    """What the program calls a component in its pipeline."""
    return text(component, "__component_name__")


def source(component: Any) -> str | None:
    """What a retriever searches, by the name that its store has for it."""
    for held in ("document_store", "_document_store"):
        store = statics.member(component, held)
        for attribute in _SOURCES if store is not None else ():
            found = text(store, attribute)
            if found is not None and not _made_up(found):
                return found
    return None


def _made_up(given: str) -> bool:
    """Whether a store has made a name for itself, as the one in memory does."""
    try:
        UUID(given)
    except ValueError:
        return False
    return True


def conversation(given: Mapping[str, Any], depth: int = 2) -> str | None:
    """The chat whose history a store is asked for: of an agent, or of a pipeline's component."""
    found = given.get("chat_history_id")
    if type(found) is str and found:
        return found
    for inside in given.values() if depth else ():
        if type(inside) is dict:
            found = conversation(inside, depth - 1)
            if found is not None:
                return found
    return None


def document(found: Any) -> dict[str, Any]:
    """A document as the conventions have it."""
    told: dict[str, Any] = {"id": statics.member(found, "id")}
    for key, attribute in (("content", "content"), ("score", "score"), ("metadata", "meta")):
        value = statics.member(found, attribute)
        if value is not None and value != {}:
            told[key] = value
    return told


def definitions(tools: Any) -> list[dict[str, Any]]:
    """Tools and sets of tools as a model is told of them."""
    found: list[dict[str, Any]] = []
    listed = wire.items(tools) if issubclass(type(tools), list | tuple) else [tools]
    for tool in listed:
        inside = statics.member(tool, "tools")
        if type(inside) is list:
            found += definitions(inside)
        elif text(tool, "name") is not None:
            keys = ("name", "description", "parameters")
            found.append({key: statics.member(tool, key) for key in keys})
    return found
