"""Attributes and other values as OTLP's protobuf messages have them, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from otelier import unicode
from otelier.store.json_values import text
from otelier.store.otlp import DEEPEST, INT64, TOO_DEEP, unknown


def write_attributes(target: Any, found: Mapping[str, Any]) -> None:
    """Add attributes to a repeated field of KeyValues."""
    for key, value in found.items():
        pair = target.add()
        pair.key = text(key)
        write(pair.value, value)


def write(target: Any, value: Any, depth: int = 0) -> None:
    """Fill an AnyValue. What OTLP has no type for becomes a text."""
    if value is None:
        # It is there, and empty.
        target.SetInParent()
    elif isinstance(value, str):
        target.string_value = text(value)
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        if value in INT64:
            target.int_value = int(value)
        else:
            target.string_value = str(unicode.cleaned(int(value)))
    elif isinstance(value, float):
        target.double_value = float(value)
    elif isinstance(value, bytes | bytearray):
        target.bytes_value = bytes(value)
    elif depth >= DEEPEST:
        target.string_value = TOO_DEEP
    elif isinstance(value, Mapping):
        target.kvlist_value.SetInParent()
        for key, member in value.items():
            pair = target.kvlist_value.values.add()
            pair.key = text(str(key))
            write(pair.value, member, depth + 1)
    elif isinstance(value, Sequence):
        target.array_value.SetInParent()
        for member in value:
            write(target.array_value.values.add(), member, depth + 1)
    else:
        target.string_value = unknown(value)


def read_attributes(found: Any) -> dict[str, Any]:
    """The values of KeyValues; of a name that is there twice, the last."""
    return {pair.key: read(pair.value) for pair in found}


def read(any_value: Any) -> Any:
    """What an AnyValue holds. How deep it is, protobuf's parser has bounded."""
    kind = any_value.WhichOneof("value")
    nested = _NESTED.get(kind)
    if nested is not None:
        return nested(getattr(any_value, kind).values)
    return getattr(any_value, kind) if kind in _SIMPLE else None


_SIMPLE: Final = frozenset(
    {"string_value", "bool_value", "int_value", "double_value", "bytes_value"}
)
_NESTED: Final[Mapping[str | None, Callable[[Any], Any]]] = {
    "array_value": lambda values: [read(member) for member in values],
    "kvlist_value": read_attributes,
}


def id_bytes(text: str | None) -> bytes:
    """An id that is hex; none for what is no hex."""
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""


def identity(id: bytes) -> str:
    """An id as hex; nothing for only zeros."""
    return id.hex() if any(id) else ""
