"""A span's attributes as the store keeps them: their names, and a JSON list of their values.

Values are as JSON has them, so that SQL can read them. What JSON has not is an object of one key:
``{"bytesValue": base64}``, ``{"doubleValue": "NaN"}``, ``{"kvlistValue": {…}}`` (a map that would
be mistaken for one of these). What is kept apart, because it is long or was sent before, is a
reference: ``{"text": id}``, ``{"history": id, "join": ","}`` (JSON text: a list of messages, with
what stands between them) and ``{"messages": id}`` (the same as a list, not as text).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from otelier import unicode, wire
from otelier.store.otlp import INT64, TOO_DEEP, not_finite, unknown

Json: TypeAlias = dict[str, Any]
Attributes: TypeAlias = Mapping[str, Any]
# A value that is to be kept apart, by the attribute's name: its reference, or None to keep it here.
Apart: TypeAlias = Callable[[str, Any], Json | None]
# What a reference stands for.
Resolve: TypeAlias = Callable[[Json], Any]

TEXT: Final = "text"
HISTORY: Final = "history"
MESSAGES: Final = "messages"
JOIN: Final = "join"
_BYTES: Final = "bytesValue"
_DOUBLE: Final = "doubleValue"
_MAP: Final = "kvlistValue"
_TAGS: Final = frozenset({_BYTES, _DOUBLE, _MAP, TEXT, HISTORY, MESSAGES})
_PLAIN: Final = frozenset({str, int, bool, type(None)})
_LARGEST: Final = math.nextafter(math.inf, 0)
_DEEPEST: Final = 100


def names(attributes: Attributes) -> str:
    """The names, in their order, as a JSON list."""
    return wire.encoded(list(attributes)).decode()


def values(
    attributes: Attributes,
    apart: Apart | None = None,
    least: int = 0,
    always: Container[str] = (),
) -> str:
    """The values, in their order, as a JSON list.

    ``apart`` is asked for texts of at least ``least`` characters, for lists, and ``always`` for
    texts of these names.
    """
    kept: list[Any] = []
    for name, value in attributes.items():
        kind = type(value)
        if apart is not None and (
            len(value) >= least or name in always if kind is str else kind is tuple or kind is list
        ):
            reference = apart(name, value)
            if reference is not None:
                kept.append(reference)
                continue
        plain = kind is str or kind is bool or value is None or (kind is int and value in INT64)
        kept.append(value if plain else tagged(value))
    return wire.encoded(kept).decode()


def tagged(value: Any, depth: int = 0) -> Any:
    """A value of OTLP as JSON can hold it."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if value in INT64 else str(value)
    if kind is float:
        return value if -_LARGEST <= value <= _LARGEST else {_DOUBLE: not_finite(value)}
    if isinstance(value, bytes | bytearray):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    if depth >= _DEEPEST:
        return TOO_DEEP
    if isinstance(value, Mapping):
        members = {str(key): tagged(member, depth + 1) for key, member in value.items()}
        mistaken = members and _TAGS.issuperset(members.keys() - {JOIN})
        return {_MAP: members} if mistaken else members
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(type(member) in _PLAIN for member in value) and not any(
            type(member) is int and member not in INT64 for member in value
        ):
            return list(value)
        return [tagged(member, depth + 1) for member in value]
    return _other(value)


def _other(value: Any) -> Any:
    """Subclasses of what OTLP knows, by their plain value; of anything else its type."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return tagged(int(value))
    if isinstance(value, float):
        return tagged(float(value))
    return unknown(value)


def attributes(names: str, values: str, resolve: Resolve | None = None) -> dict[str, Any]:
    """Attributes as they were; references are resolved, or stay what they are without."""
    found = wire.loads(values)
    return {
        name: value if type(value) in _PLAIN or type(value) is float else untagged(value, resolve)
        for name, value in zip(wire.loads(names), found, strict=True)
    }


def untagged(value: Any, resolve: Resolve | None = None) -> Any:
    """What :func:`tagged` was given."""
    if type(value) is list:
        return [untagged(member) for member in value]
    if type(value) is not dict:
        return value
    tag = next(iter(value), None)
    if len(value) == 1 or (len(value) == 2 and JOIN in value):
        if tag in (TEXT, HISTORY, MESSAGES):
            return value if resolve is None else resolve(value)
        if tag == _BYTES:
            return base64.b64decode(value[_BYTES])
        if tag == _DOUBLE:
            return float(value[_DOUBLE])
        if tag == _MAP:
            return {key: untagged(member) for key, member in value[_MAP].items()}
    return {key: untagged(member) for key, member in value.items()}


def well_formed(row: Iterable[Any]) -> list[Any]:
    """A row of the store with texts that UTF-8 can hold."""
    return [unicode.well_formed(each) if type(each) is str else each for each in row]
