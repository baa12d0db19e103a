"""Attributes and other values as OTLP/JSON has them, and back; and careful looks at JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from otelier import unicode, wire
from otelier.store.otlp import DEEPEST, INT64, TOO_DEEP, not_finite, unknown

Json: TypeAlias = dict[str, Any]

# Deeper values are no longer read: Python's own stack has an end.
_DEEPEST_READ: Final = 100
_DEFAULTS: Final[tuple[object, ...]] = ("", 0, None, [])


def without_defaults(message: Json) -> Json:
    """A message without what need not be said."""
    return {key: value for key, value in message.items() if value not in _DEFAULTS}


def text(value: Any) -> str:
    """A string that UTF-8 can hold; exactly a ``str``, empty for what is none."""
    if type(value) is not str:
        value = str.__str__(value) if isinstance(value, str) else ""
    return unicode.well_formed(value)


def digits(value: int) -> str:
    """A 64-bit number, which JSON has as text; nothing for 0."""
    return str(value) if value else ""


# --- encoding ---------------------------------------------------------------------------------


def attributes(found: Mapping[str, Any]) -> list[Json]:
    """A list of KeyValues."""
    return [{"key": text(key), "value": any_value(value)} for key, value in found.items()]


def any_value(value: Any, depth: int = 0) -> Json:
    """One AnyValue. What OTLP has no type for becomes a text."""
    if value is None:
        return {}
    if isinstance(value, str):
        return {"stringValue": text(value)}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        # A number that OTLP has no type for would make a receiver refuse the whole batch.
        return _integer_value(int(value))
    if isinstance(value, float):
        value = float(value)
        return {"doubleValue": value if math.isfinite(value) else not_finite(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytesValue": base64.b64encode(value).decode("ascii")}
    if depth >= DEEPEST:
        return {"stringValue": TOO_DEEP}
    if isinstance(value, Mapping):
        members = [
            {"key": text(str(key)), "value": any_value(member, depth + 1)}
            for key, member in value.items()
        ]
        return {"kvlistValue": {"values": members}}
    if isinstance(value, Sequence):
        return {"arrayValue": {"values": [any_value(member, depth + 1) for member in value]}}
    return {"stringValue": unknown(value)}


def _integer_value(value: int) -> Json:
    if value in INT64:
        return {"intValue": str(value)}
    return {"stringValue": str(unicode.cleaned(value))}


# --- decoding ---------------------------------------------------------------------------------


def request(line: bytes | str) -> Json:
    """The JSON object that a line is. Raises ValueError if it is none."""
    try:
        found = _loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _loads(line: bytes | str) -> Any:
    try:
        return wire.loads(line)
    except ValueError:
        # Halves of surrogate pairs and NaN, which others write, are for a parser that is patient.
        return json.loads(line)


def read_attributes(owner: Json) -> Json:
    """The attributes of a message; of a name that is there twice, the last."""
    return {string(pair, "key"): read_value(pair.get("value")) for pair in members(owner)}


def read_value(any_value: Any, depth: int = 0) -> Any:
    """What an AnyValue holds; None if it holds nothing that can be read."""
    if not isinstance(any_value, dict):
        return None
    for key, value in any_value.items():
        if value is None:
            # Some write what is not set, too.
            continue
        if key in _SIMPLE:
            try:
                return _SIMPLE[key](value)
            except (TypeError, ValueError, OverflowError):
                return None
        if key in _NESTED:
            if depth >= _DEEPEST_READ:
                return TOO_DEEP
            return _NESTED[key](value, depth + 1) if isinstance(value, dict) else None
    return None


def _read_text(value: Any) -> str | None:
    return text(value) if isinstance(value, str) else None


def _read_bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_integer(value: Any) -> int | str | None:
    number = _whole(value)
    return number if number in INT64 else str(number)


def _read_float(value: Any) -> float | None:
    return None if isinstance(value, bool) else float(value)


def _read_bytes(value: Any) -> bytes | None:
    if not isinstance(value, str):
        return None
    # Both alphabets, with or without what fills it up, as protobuf's own JSON takes it.
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _read_array(value: Json, depth: int) -> list[Any]:
    found = value.get("values")
    return [read_value(member, depth) for member in found] if isinstance(found, list) else []


def _read_map(value: Json, depth: int) -> Json:
    return {
        string(pair, "key"): read_value(pair.get("value"), depth)
        for pair in members(value, "values")
    }


_SIMPLE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "stringValue": _read_text,
    "boolValue": _read_bool,
    "intValue": _read_integer,
    "doubleValue": _read_float,
    "bytesValue": _read_bytes,
}
_NESTED: Final[Mapping[str, Callable[[Json, int], Any]]] = {
    "arrayValue": _read_array,
    "kvlistValue": _read_map,
}


def members(owner: Json, key: str = "attributes") -> Iterator[Json]:
    """The objects in a list; what is none, and a list that is none, is passed over."""
    found = owner.get(key)
    if isinstance(found, list):
        yield from (member for member in found if isinstance(member, dict))


def member(owner: Json, key: str) -> Json:
    """The object at a key; an empty one where there is none."""
    found = owner.get(key)
    return found if isinstance(found, dict) else {}


def string(owner: Json, key: str) -> str:
    """The text at a key; an empty one where there is none."""
    value = owner.get(key)
    return text(value) if isinstance(value, str) else ""


def identity(owner: Json, key: str) -> str:
    """The id at a key, in lower case; an empty one where there is none, or only zeros."""
    value = string(owner, key).lower()
    return value if value.strip("0") else ""


def integer(owner: Json, key: str) -> int:
    """A number that JSON holds as such or, where it has 64 bits, as a text; 0 for none."""
    try:
        return _whole(owner.get(key))
    except (TypeError, ValueError, OverflowError):
        return 0


def number_of(owner: Json, key: str, prefix: str, names: tuple[str, ...]) -> int:
    """An enum's number, where others say its name, too."""
    value = owner.get(key)
    if isinstance(value, str) and value.removeprefix(prefix) in names:
        return names.index(value.removeprefix(prefix))
    return integer(owner, key)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)
