"""Wire objects: what SDKs hand over, seen as plain JSON data, and JSON text.

A *wire object* is a ``dict`` as it came off the wire, or an SDK's typed model of it. Both hold the
wire's field names; :func:`fields` shows either as a mapping without copying, parsing or calling
into the SDK. Protocol modules read through it and so need to know no SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
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
    return {**members, **extra} if extra else members


def _fields(value: Any) -> Wire:
    if isinstance(value, type):
        return _NOTHING
    if isinstance(value, Mapping):
        return value
    return getattr(value, "__dict__", _NOTHING)


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
