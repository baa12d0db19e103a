"""Wire objects: what SDKs hand over, seen as plain JSON data, and JSON text.

A *wire object* is a ``dict`` as it came off the wire, or an SDK's typed model of it. Both hold the
wire's field names; :func:`fields` shows either as a mapping without copying, parsing or calling
into the SDK. Protocol modules read through it and so need to know no SDK.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from struct import pack, unpack
from typing import Any, TypeAlias

try:
    import orjson
except ImportError:  # No wheel for this interpreter.
    orjson = None  # type: ignore[assignment]

Wire: TypeAlias = Mapping[str, Any]

_NOTHING: Wire = {}
_SCALARS = (str, int, float, bool, type(None))
_MAX_DEPTH = 64
_MAX_MEMBERS = 20_000


def fields(value: Any) -> Wire:
    """The members of a wire object; an empty mapping for anything else."""
    # Asked several times a chunk: plain attributes, no calls.
    if type(value) is dict:
        return value  # type: ignore[no-any-return]
    if value is None:
        return _NOTHING
    try:
        members: dict[str, Any] = value.__dict__
        # Members that the SDK's model does not declare; where pydantic keeps them.
        extra = value.__pydantic_extra__
    except AttributeError:
        return _fields(value)
    if not extra:
        return members
    # A model's class has a descriptor in the place of its instances' members.
    return {**members, **extra} if type(extra) is dict else _NOTHING


def _fields(value: Any) -> Wire:
    if isinstance(value, type):
        return _NOTHING
    if isinstance(value, Mapping):
        return value
    if hasattr(type(value), "ListFields"):
        return _Protobuf(value)
    return getattr(value, "__dict__", _NOTHING)


class _Protobuf(Mapping[str, Any]):
    """What is said in a protobuf message: messages stay messages, enums become their names.

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


def items(value: Any) -> Sequence[Any]:
    """A list or tuple as it is; an empty one for anything else, so iterators are never consumed."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Any) -> str | None:
    """A non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def count(value: Any) -> int | None:
    """A number of tokens or the like: an int that is not negative, or None."""
    if type(value) is int:
        return value if 0 <= value < 1 << 62 else None
    if type(value) is float and value.is_integer() and 0 <= value < 1 << 53:
        return int(value)
    return None


def number(value: Any) -> float | None:
    """A finite number as float, or None."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            result = float(value)
        except OverflowError:
            return None
        return result if result - result == 0 else None
    return None


def plain(value: Any) -> Any:
    """A copy as JSON data, of at most some ten thousand members.

    Unknown objects become their type's name, never their ``repr``; what contains itself, and what
    is too much, becomes ``…``. Lazy collections of a user's own are not read.
    """
    return _plain(value, [_MAX_MEMBERS], 0)


def _plain(value: Any, left: list[int], depth: int) -> Any:
    if isinstance(value, str):
        return value if type(value) is str else str.__str__(value)
    if isinstance(value, _SCALARS):
        # JSON has no infinity and no NaN.
        return None if isinstance(value, float) and value - value != 0 else value
    left[0] -= 1
    if depth > _MAX_DEPTH or left[0] < 0:
        return "…"
    deeper = depth + 1
    if isinstance(value, dict):
        return {
            str(key): _plain(member, left, deeper)
            for key, member in islice(list(value.items()), max(left[0], 0) + 1)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member, left, deeper) for member in islice(value, max(left[0], 0) + 1)]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if hasattr(type(value), "model_fields") or hasattr(type(value), "__fields__"):
        return {
            key: _plain(member, left, deeper)
            for key, member in fields(value).items()
            if not key.startswith("_") and member is not None
        }
    if hasattr(type(value), "ListFields"):
        return {name: _plain(member, left, deeper) for name, member in _Protobuf(value).items()}
    members = getattr(type(value), "__dataclass_fields__", None)
    if members is not None:
        return {name: _plain(getattr(value, name, None), left, deeper) for name in members}
    isoformat = getattr(value, "isoformat", None)
    if callable(isoformat):
        return str(isoformat())
    if hasattr(type(value), "hex") and hasattr(type(value), "urn"):  # uuid.UUID
        return str(value)
    return f"<{type(value).__name__}>"


def _default(value: Any) -> Any:
    return plain(value)


if orjson is not None:
    _OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS

    def dumps(value: Any) -> bytes:
        """Compact JSON as UTF-8. Never raises for JSON data; odd objects become plain data."""
        try:
            return orjson.dumps(value, _default, _OPTIONS)
        except (TypeError, ValueError, RecursionError):
            # Lone surrogates, integers over 64 bits, cycles: the patient way.
            return _dumps_slowly(value)

    def loads(data: bytes | str) -> Any:
        """JSON text to data; raises ValueError."""
        return orjson.loads(data)

else:

    def dumps(value: Any) -> bytes:
        """Compact JSON as UTF-8. Never raises for JSON data; odd objects become plain data."""
        return _dumps_slowly(value)

    def loads(data: bytes | str) -> Any:
        """JSON text to data; raises ValueError."""
        return json.loads(data)


def _dumps_slowly(value: Any) -> bytes:
    return json.dumps(plain(value), separators=(",", ":"), default=str).encode("ascii")


def parsed(value: Any) -> Any:
    """Arguments that a provider sends as JSON text, as data; the text itself if it is none."""
    if isinstance(value, str):
        try:
            return loads(value)
        except ValueError:
            return value
    return value
