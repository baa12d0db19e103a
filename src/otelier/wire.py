"""Wire objects: what SDKs hand over, seen as plain JSON data, and JSON text.

A *wire object* is a ``dict`` as it came off the wire, or an SDK's typed model of it. Both hold the
wire's field names; :func:`fields` shows either as a mapping without copying, parsing or calling
into the SDK. Protocol modules read through it and so need to know no SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from weakref import WeakSet

from otelier import statics, unicode, values
from otelier.protobuf import Message as _Protobuf
from otelier.values import plain as plain

try:
    import orjson
except ImportError:  # No wheel for this interpreter.
    orjson = None  # type: ignore[assignment]

Wire: TypeAlias = Mapping[str, Any]

_NOTHING: Wire = {}


# The metaclass of pydantic's models, and how their members are read; once a model was seen.
_Model: Any = object()
_stored: Any = None
_undeclared: Any = None


def fields(value: Any) -> Wire:
    """The members of a wire object; an empty mapping for anything else."""
    # Asked several times a chunk: no calls of functions.
    kind = type(value)
    if kind is dict:
        return value  # type: ignore[no-any-return]
    if value is None:
        return _NOTHING
    if type(kind) is _Model:
        try:
            members: dict[str, Any] = _stored(value)
            # Members that the SDK's model does not declare; where pydantic keeps them.
            extra = _undeclared(value)
        except (AttributeError, TypeError):
            return _fields(value, kind)
        return {**members, **extra} if extra else members
    return _fields(value, kind)


def _fields(value: Any, kind: type) -> Wire:
    if kind is str:
        return _NOTHING
    if issubclass(kind, dict):
        # Its own methods are whoever's made it; ``dict.copy`` would call those.
        return dict(dict.items(value))
    if kind is _Protobuf:
        return value  # type: ignore[no-any-return]
    found = values.members(value)
    if found is None:
        return _NOTHING
    if type(kind) is not type and type(kind) is not _Model:
        _learn(kind)
    return found


_FETCHED: Final = ("__getattribute__", "__dict__", "__pydantic_extra__")
_plain_models: Final[WeakSet[type]] = WeakSet()


def model(value: Any) -> bool:
    """Whether a wire object is a model of an SDK's whose members are attributes, and no more.

    To fetch one of these costs less than :func:`fields` of them all, and runs nobody's code.
    """
    kind = type(value)
    if type(kind) is not _Model:
        fields(value)  # It may be the first model that is seen.
        if type(kind) is not _Model:
            return False
    if kind in _plain_models:
        return True
    base = statics.loaded("pydantic.main", "BaseModel")
    if any(statics.on_class(kind, each) is not statics.on_class(base, each) for each in _FETCHED):
        return False
    _plain_models.add(kind)
    return True


def _learn(kind: type) -> None:
    global _Model, _stored, _undeclared
    base = statics.loaded("pydantic.main", "BaseModel")
    if base is None or type(kind) is not type(base):
        return
    stored, undeclared = (
        statics.on_class(base, name) for name in ("__dict__", "__pydantic_extra__")
    )
    if stored is not None and undeclared is not None:
        _stored, _undeclared, _Model = stored.__get__, undeclared.__get__, type(base)


def items(value: Any) -> Sequence[Any]:
    """A list or tuple as it is; an empty one for anything else, so iterators are never consumed."""
    kind = type(value)
    if kind is list or kind is tuple:
        return value  # type: ignore[no-any-return]
    if value is None:
        return ()
    if issubclass(kind, list):
        return list.copy(value)
    return tuple(tuple.__iter__(value)) if issubclass(kind, tuple) else ()


def text(value: Any) -> str | None:
    """A non-empty string, or None."""
    if type(value) is str:
        return value or None
    return str.__str__(value) or None if issubclass(type(value), str) else None


def count(value: Any) -> int | None:
    """A number of tokens or the like: an int that is not negative, or None."""
    if type(value) is int:
        return value if 0 <= value < 1 << 62 else None
    if type(value) is float and value.is_integer() and 0 <= value < 1 << 53:
        return int(value)
    return None


def first_count(raw: Wire, *names: str) -> int | None:
    """The first of these members that is a count; None where none is."""
    counts = (count(raw.get(name)) for name in names)
    return next((each for each in counts if each is not None), None)


def number(value: Any) -> float | None:
    """A finite number as float, or None."""
    kind = type(value)
    if kind is not float and kind is not int:
        if kind is bool or not issubclass(kind, (int, float)):
            return None
        value = float.__float__(value) if issubclass(kind, float) else int.__int__(value)
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if result - result == 0 else None


def measure(value: Any) -> float | None:
    """A finite number that a program gives, of ``decimal`` or numpy, too, or as text; or None."""
    shown = plain(value)
    try:
        return number(float(shown) if type(shown) is str else shown)
    except ValueError:
        return None


def _default(value: Any) -> Any:
    return plain(value)


# NUL, which PostgreSQL's JSON does not take; the same text with a backslash before it is harmless.
_NUL: Final = b"\\u0000"

if orjson is not None:
    _OPTIONS = (
        orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    )

    def dumps(value: Any) -> bytes:
        """Compact JSON as UTF-8. Never raises for JSON data; odd objects become plain data."""
        try:
            data = orjson.dumps(value, _default, _OPTIONS)
        except (TypeError, ValueError, RecursionError):
            # Lone surrogates, integers over 64 bits, cycles: the patient way.
            return _dumps_slowly(value)
        # One byte is found several times as fast as six.
        return data if b"\\" not in data or _NUL not in data else _dumps_slowly(value)

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


def encoded(value: Any) -> bytes:
    """The same with NUL as it is: for spans in a file, which are others' as well."""
    if orjson is not None:
        try:
            return orjson.dumps(value, _default, _OPTIONS)
        except (TypeError, ValueError, RecursionError):
            pass
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return _dumps_slowly(value)


def _dumps_slowly(value: Any) -> bytes:
    data = unicode.cleaned(plain(value))
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def structure(text: str) -> Any:
    """The list or object that a text is as JSON; None where it is none."""
    if not text.startswith(("[", "{")):
        return None
    try:
        return loads(text)
    except ValueError:
        return None


def parsed(value: Any) -> Any:
    """Arguments that a provider sends as JSON text, as data; the text itself if it is none."""
    if not issubclass(type(value), str):
        return value
    if type(value) is not str:
        value = str.__str__(value)
    try:
        return loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        # It may hold half of a surrogate pair, which orjson refuses.
        return json.loads(value) if "\\u" in value else value
    except (ValueError, RecursionError):
        return value
