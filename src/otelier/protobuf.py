"""Protobuf messages shown as mappings. The library itself is never imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from struct import pack, unpack
from typing import Any, TypeAlias


class Message(Mapping[str, Any]):
    """What is said in a message: messages stay messages, enums become their names.

    Fields without presence that hold their default are not said: on the wire there is no zero.
    """

    __slots__ = ("_message", "_shapes")

    def __init__(self, message: Any) -> None:
        self._message = message
        kind = type(message)
        shapes = _shapes.get(kind)
        if shapes is None:
            shapes = _shapes[kind] = _shapes_of(kind.DESCRIPTOR)
        self._shapes = shapes

    def __getitem__(self, name: str) -> Any:
        present, many, read = self._shapes[name]
        message = self._message
        if present and not message.HasField(name):
            raise KeyError(name)
        value = getattr(message, name)
        if not present and not value:
            raise KeyError(name)
        if many:
            return [read(item) for item in value] if read is not None else many(value)
        return value if read is None else read(value)

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or ``default`` where it is not said."""
        try:
            return self[name]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter([field.name for field, _ in self._message.ListFields()])

    def __len__(self) -> int:
        return len(self._message.ListFields())


# Of a field: whether its presence is known, how repeated ones are copied, how a value is read.
_Shape: TypeAlias = "tuple[bool, Callable[[Any], Any] | None, Callable[[Any], Any] | None]"
_shapes: dict[type, dict[str, _Shape]] = {}
_FLOAT32 = 2  # google.protobuf.FieldDescriptor.TYPE_FLOAT


def _shapes_of(descriptor: Any) -> dict[str, _Shape]:
    found: dict[str, _Shape] = {}
    for field in descriptor.fields:
        repeated = getattr(field, "is_repeated", None)
        if repeated is None:  # before protobuf 6.31
            repeated = field.label == field.LABEL_REPEATED
        many: Callable[[Any], Any] | None = list if repeated else None
        read: Callable[[Any], Any] | None = None
        if field.enum_type is not None:
            names = {each.number: each.name for each in field.enum_type.values}
            read = partial(_named, names)
        elif field.type == _FLOAT32:
            read = _shortest
        elif repeated and field.message_type is not None:
            many = dict if field.message_type.GetOptions().map_entry else list
        found[field.name] = (field.has_presence, many, read)
    return found


def _named(names: Mapping[int, str], number: int) -> Any:
    return names.get(number, number)


def _shortest(value: float) -> float:
    """A number of 32 bits in the digits that its sender wrote: 0.7, not 0.699999988."""
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        try:
            if unpack("f", pack("f", short))[0] == value:
                return short
        except OverflowError:
            break
    return value
