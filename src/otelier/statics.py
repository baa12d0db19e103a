"""Looks at objects that are not ours, without running a line of their code.

Fetching an attribute may run what the program wrote: ``__getattr__`` of a mock or an RPC proxy, a
property, a metaclass; even ``isinstance`` asks an object for its ``__class__``. Everything here
reads types and storage by CPython's own descriptors instead. ``type(x)`` and ``issubclass`` of a
built-in class are safe as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any, Final

_mro: Final = type.__dict__["__mro__"].__get__
_namespace: Final = type.__dict__["__dict__"].__get__
_module: Final = type.__dict__["__module__"].__get__
_name: Final = type.__dict__["__name__"].__get__
_qualname: Final = type.__dict__["__qualname__"].__get__
_globals: Final = ModuleType.__dict__["__dict__"].__get__  # type: ignore[index]
_NOTHING: Final[dict[str, Any]] = {}
_ABSENT: Final = object()


def bases(kind: type) -> tuple[type, ...]:
    """A class and its bases in the order of look-up."""
    return _mro(kind)  # type: ignore[no-any-return]


def name(kind: type) -> str:
    """A class's short name."""
    return str.__str__(_name(kind))


def identity(kind: type) -> tuple[str, str]:
    """A class's module and qualified name; empty where they are no text."""
    try:
        module = _module(kind)
    except AttributeError:
        module = ""
    return (module if type(module) is str else "", str.__str__(_qualname(kind)))


def genuine(kind: type) -> tuple[str, str] | None:
    """Module and name of a class that really is what a loaded module has under that name.

    A class of the program's that is called like a library's is not.
    """
    module, qualname = identity(kind)
    return (module, qualname) if loaded(module, qualname) is kind else None


def made_by(kind: type, roots: frozenset[str]) -> bool:
    """Whether a class really is one of these libraries' own."""
    found = genuine(kind)
    return found is not None and found[0].partition(".")[0] in roots


def loaded(module: str, name: str) -> Any:
    """What a module that is imported already has under a name; None where it is not imported."""
    found = sys.modules.get(module)
    if found is None or not issubclass(type(found), ModuleType):
        return None
    return _globals(found).get(name)


def storage(value: Any) -> Mapping[str, Any]:
    """An object's own attributes as they are stored; empty where it keeps none that way."""
    for base in _mro(type(value)):
        found = _namespace(base).get("__dict__")
        if found is not None:
            if type(found) is not GetSetDescriptorType and type(found) is not MemberDescriptorType:
                return _NOTHING
            try:
                held = found.__get__(value)
            except AttributeError:
                return _NOTHING
            if type(held) is dict:
                return held
            return dict(dict.items(held)) if issubclass(type(held), dict) else _NOTHING
    return _NOTHING


def on_class(kind: type, name: str, missing: Any = None) -> Any:
    """What a class or its bases hold under a name, as it stands there (a descriptor, a default)."""
    for base in _mro(kind):
        found = _namespace(base).get(name, _ABSENT)
        if found is not _ABSENT:
            return found
    return missing


def slots(kind: type) -> list[str]:
    """The names of the slots of a class and its bases."""
    return [
        name
        for base in _mro(kind)
        for name, found in list(_namespace(base).items())
        if type(found) is MemberDescriptorType and name != "__dict__"
    ]


def member(value: Any, name: str, missing: Any = None) -> Any:
    """A stored attribute: of the object itself, its slots, or a plain default of its class.

    Never a property's, nor what ``__getattr__`` would make.
    """
    found = on_class(type(value), name, _ABSENT)
    if type(found) is MemberDescriptorType:
        try:
            return found.__get__(value)
        except AttributeError:
            return missing
    held = storage(value).get(name, _ABSENT)
    if held is not _ABSENT:
        return held
    if found is _ABSENT or on_class(type(found), "__get__") is not None:
        return missing
    return found


def builtin(kind: type, name: str) -> Any:
    """The special method of a class, if one of the interpreter's own classes has it; else None."""
    for base in _mro(kind):
        found = _namespace(base).get(name)
        if found is not None:
            own = type(found) is WrapperDescriptorType and identity(base)[0] == "builtins"
            return found if own else None
    return None


def iterates(value: Any) -> bool:
    """Whether something is an iterator, of either kind: looking into it would consume it."""
    kind = type(value)
    return on_class(kind, "__next__") is not None or on_class(kind, "__anext__") is not None
