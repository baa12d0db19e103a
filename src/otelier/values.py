"""Values of every kind as JSON data: a table of known types and how each is read.

What a program passes to a tool, or a tool returns, is shown as a reader expects it: a path as its
text, an enum as its value, a model as its members, an array or a table as its shape and head.
Nothing of the program's runs for it (:mod:`otelier.statics`): of types that nobody knows only the
name is told, as ``<Name>``; iterators, files and locks are never looked into.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, EnumMeta
from itertools import islice
from typing import Any, Final

from otelier import guard, statics, unicode, value_libraries, value_readers
from otelier.protobuf import Message
from otelier.value_readers import MORE, Reader, more

_MAX_DEPTH: Final = 64
_MAX_MEMBERS: Final = 40_000


class Walk:
    """One walk through a value: how many members may still be taken, and where it is."""

    __slots__ = ("depth", "inside", "left")

    def __init__(self) -> None:
        self.left = _MAX_MEMBERS
        self.depth = 0
        self.inside: set[int] = set()

    def show(self, value: Any) -> Any:
        """One value as JSON data."""
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            return value
        if kind is float:
            # JSON has no infinity and no NaN.
            return value if value - value == 0 else None
        if self.depth > _MAX_DEPTH or id(value) in self.inside:
            return MORE
        self.depth += 1
        self.inside.add(id(value))
        try:
            if kind is dict:
                return self.mapping(value)
            if kind is list or kind is tuple:
                return self.listed(value, len(value))
            return self._odd(value, kind)
        finally:
            self.depth -= 1
            self.inside.discard(id(value))

    def _odd(self, value: Any, kind: type) -> Any:
        try:
            # Before str and int, which enums may be as well.
            if issubclass(type(kind), EnumMeta) and issubclass(kind, Enum):
                return value_readers.enumerated(value, self)
            read = _reader(kind)
            if read is not None:
                return read(value, self)
        except Exception:  # A library's version that we do not know.
            guard.failed("values.read")
        return self.named(value)

    def words(self, value: Any) -> str:
        """One value as a text: JSON, but for what is text or a number."""
        shown = self.show(value)
        if type(shown) is str:
            return shown
        return json.dumps(unicode.cleaned(shown), ensure_ascii=False)

    def named(self, value: Any) -> str:
        """All that is told of what nobody knows."""
        return f"<{statics.name(type(value))}>"

    def mapping(self, value: Mapping[Any, Any], drop: bool = False) -> dict[str, Any]:
        """The members of a mapping; ``drop`` those that a model keeps to itself or has not."""
        found: dict[str, Any] = {}
        pairs: Any
        if issubclass(type(value), dict):
            held: Any = value
            total, pairs = dict.__len__(held), dict.items(held)
        else:
            total, pairs = len(value), value.items()
        most = min(total, self.left)
        self.left -= most
        # At once: another thread may change it.
        for key, member in list(islice(pairs, most)):
            name = key if type(key) is str else self._name(key, found)
            if not (drop and (member is None or name.startswith("_"))):
                found[name] = self.show(member)
        if total > most:
            found[MORE] = more(total - most, "members")
        return found

    def _name(self, key: Any, taken: Mapping[str, Any]) -> str:
        shown = self.show(key)
        if shown is None or type(shown) is bool:
            name = {None: "null", True: "true", False: "false"}[shown]
        elif type(shown) is list:
            name = ", ".join(map(self.words, shown))
        else:
            # Some integers are too long to be written.
            name = shown if type(shown) is str else str(unicode.cleaned(shown))
        again, number = name, 1
        while again in taken:
            number += 1
            again = f"{name} ({number})"
        return again

    def listed(self, value: Iterable[Any], total: int) -> list[Any]:
        """The members of a collection of ``total`` that can be read again and again."""
        most = min(total, self.left)
        self.left -= most
        found = [self.show(member) for member in list(islice(value, most))]
        if total > most:
            found.append(more(total - most, "members"))
        return found


def plain(value: Any) -> Any:
    """A copy as JSON data, of at most some ten thousand members.

    What contains itself becomes ``…``; where something is left out, a mark says how much.
    """
    return Walk().show(value)


def words(value: Any) -> str:
    """A value as one text, for attributes that are text."""
    return value if type(value) is str else Walk().words(value)


def message(error: BaseException) -> str:
    """What an exception says; objects that it holds are told as values, and not asked."""
    return value_readers.message(error, Walk())


def members(value: Any) -> Mapping[str, Any] | None:
    """The fields of a model, as stored: pydantic, dataclasses, attrs, protobuf; else None."""
    kind = type(value)
    for base in statics.bases(kind):
        read = _MODELS.get(statics.identity(base))
        if read is not None and statics.genuine(base):
            return read(value)
    if statics.on_class(kind, "__dataclass_fields__") is not None:
        return _dataclass(value, False)
    if statics.on_class(kind, "__attrs_attrs__") is not None:
        return _attrs(value, False)
    return None


def _reader(kind: type) -> Reader | None:
    for base in statics.bases(kind):
        entry = _KNOWN.get(statics.identity(base))
        if entry is not None and (entry[1] or base is kind):
            if statics.genuine(base) or any(base is each for each in value_readers.UNNAMED):
                return entry[0]
        elif statics.identity(base) in _MODELS and statics.genuine(base):
            return _model
    if statics.on_class(kind, "__dataclass_fields__") is not None:
        return lambda value, walk: walk.mapping(_dataclass(value, True))
    if statics.on_class(kind, "__attrs_attrs__") is not None:
        return lambda value, walk: walk.mapping(_attrs(value, True))
    return None


# --- models -------------------------------------------------------------------------------------


def _dataclass(value: Any, shown: bool) -> dict[str, Any]:
    """The fields; ``shown`` leaves out those that their author keeps out of the repr."""
    from dataclasses import Field

    table = statics.on_class(type(value), "__dataclass_fields__")
    found: dict[str, Any] = {}
    for name, field in table.items() if type(table) is dict else ():
        # Not what only looks like a field: ClassVar and InitVar.
        its = type(field) is Field and field._field_type.name == "_FIELD"  # type: ignore[attr-defined]
        if its and (field.repr or not shown):
            found[name] = statics.member(value, name)
    return found


def _attrs(value: Any, shown: bool) -> dict[str, Any]:
    known = statics.loaded("attr._make", "Attribute")
    table = statics.on_class(type(value), "__attrs_attrs__")
    found: dict[str, Any] = {}
    for attribute in tuple.__iter__(table) if issubclass(type(table), tuple) else ():
        if type(attribute) is known and (attribute.repr is not False or not shown):
            found[attribute.name] = statics.member(value, attribute.name)
    return found


def _pydantic(value: Any) -> Mapping[str, Any]:
    held = statics.storage(value)
    # Members that the model does not declare; where pydantic 2 keeps them.
    extra = statics.member(value, "__pydantic_extra__")
    return {**held, **extra} if type(extra) is dict and extra else held


def _model(value: Any, walk: Walk) -> Any:
    found = members(value)
    return walk.mapping(found, drop=True) if found is not None else None


_MODELS: Final[Mapping[tuple[str, str], Callable[[Any], Mapping[str, Any]]]] = {
    ("pydantic.main", "BaseModel"): _pydantic,
    ("pydantic.v1.main", "BaseModel"): _pydantic,
    ("google.protobuf.message", "Message"): Message,
    ("types", "SimpleNamespace"): statics.storage,
}
_KNOWN: Final = {**value_readers.KNOWN, **value_libraries.KNOWN}
