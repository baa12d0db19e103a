"""How values of the interpreter's and the standard library's own types are read as JSON data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otelier import statics, unicode

if TYPE_CHECKING:
    from otelier.values import Walk
else:
    Walk = object

Reader: TypeAlias = Callable[[Any, Walk], Any]
# A reader, and whether a subclass of a library's or the program's is read the same way. That is so
# where the reader is the interpreter's own code, which asks nothing of what a subclass overrides.
Entry: TypeAlias = tuple[Reader, bool]
MORE: Final = "…"
_ZONES: Final = frozenset({"datetime", "zoneinfo", "dateutil", "pytz"})
# SHA-256 of so much takes some milliseconds.
_MAX_HASHED: Final = 4 << 20


def more(number: int, what: str) -> str:
    """The mark that stands where something was left out."""
    return f"{MORE} [{number:,} more {what}]"


def enumerated(value: Any, walk: Walk) -> Any:
    """An enum's value; its name where the value is nothing that can be told."""
    shown = walk.show(statics.member(value, "_value_"))
    if shown is None or (type(shown) is str and shown.startswith("<")):
        return walk.show(statics.member(value, "_name_"))
    return shown


def _dict(value: Any, walk: Walk) -> Any:
    return walk.mapping(value)


def _proxy(value: Any, walk: Walk) -> Any:
    import gc

    # What it shows may be a mapping of the program's, whose code would be asked.
    (behind,) = gc.get_referents(value)
    return walk.show(behind)


def _list(value: Any, walk: Walk) -> Any:
    return walk.listed(list.__iter__(value), list.__len__(value))


def _tuple(value: Any, walk: Walk) -> Any:
    names = statics.on_class(type(value), "_fields")
    every = tuple.__len__(value)
    if type(names) is tuple and len(names) == every and all(type(name) is str for name in names):
        return walk.mapping(dict(zip(names, tuple.__iter__(value), strict=True)))
    return walk.listed(tuple.__iter__(value), every)


def _set(value: Any, walk: Walk) -> Any:
    kind: Any = set if issubclass(type(value), set) else frozenset
    total = kind.__len__(value)
    if total > walk.left:
        return walk.listed(kind.__iter__(value), total)
    found = list(kind.__iter__(value))
    # Texts are in another order in each process.
    if all(type(each) is str for each in found) or all(type(each) is int for each in found):
        found.sort()
    return walk.listed(found, total)


def _deque(value: Any, walk: Walk) -> Any:
    from collections import deque

    return walk.listed(deque.__iter__(value), deque.__len__(value))


def _sized(value: Any, walk: Walk) -> Any:
    """Views of dicts, and arrays."""
    return walk.listed(value, len(value))


def _bytes(value: Any, walk: Walk) -> Any:
    if type(value) is memoryview:
        size, contiguous = value.nbytes, value.c_contiguous
    else:
        kind: Any = bytes if issubclass(type(value), bytes) else bytearray
        size, contiguous = kind.__len__(value), True
        if type(value) is not kind:  # A subclass may have a buffer of its own.
            value = kind.__getitem__(value, slice(0, _MAX_HASHED))
    found: dict[str, Any] = {"type": "bytes", "size": size}
    if size <= _MAX_HASHED and contiguous:
        from hashlib import sha256

        found["sha256"] = sha256(value).hexdigest()
    return found


def _complex(value: Any, walk: Walk) -> Any:
    return complex.__repr__(value).strip("()")


_DAY: Final = ("year", "month", "day")
_HOUR: Final = ("hour", "minute", "second", "microsecond")


def _moment(value: Any, walk: Walk) -> Any:
    """A date, a time or both. A time zone of the program's is not asked for its offset."""
    kind: Any = datetime if issubclass(type(value), datetime) else time
    if kind is time and issubclass(type(value), date):
        return date.isoformat(value)
    names = _HOUR if kind is time else (*_DAY, *_HOUR)
    zone = kind.__dict__["tzinfo"].__get__(value)
    if zone is None or statics.made_by(type(zone), _ZONES):
        return kind.isoformat(value)
    parts = [statics.on_class(kind, name).__get__(value) for name in names]
    return f"{kind(*parts).isoformat()} <{statics.name(type(zone))}>"


def _zone(value: Any, walk: Walk) -> Any:
    return statics.member(value, "key") or str(value)


def _uuid(value: Any, walk: Walk) -> Any:
    digits = f"{statics.member(value, 'int'):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _fraction(value: Any, walk: Walk) -> Any:
    top, bottom = (statics.member(value, name) for name in ("_numerator", "_denominator"))
    return f"{top}/{bottom}"


def _decimal(value: Any, walk: Walk) -> Any:
    from decimal import Decimal

    return Decimal.__str__(value)


def _text(value: Any, walk: Walk) -> Any:
    """Objects of the standard library's whose text says all."""
    return str(value)


def _range(value: Any, walk: Walk) -> Any:
    return repr(value)


def _slice(value: Any, walk: Walk) -> Any:
    return [walk.show(each) for each in (value.start, value.stop, value.step)]


def _namespace(value: Any, walk: Walk) -> Any:
    return walk.mapping(statics.storage(value))


def _userdict(value: Any, walk: Walk) -> Any:
    return walk.show(statics.storage(value).get("data"))


def _chain(value: Any, walk: Walk) -> Any:
    return walk.show(statics.storage(value).get("maps"))


def _pattern(value: Any, walk: Walk) -> Any:
    return walk.show(value.pattern)


def _class(value: Any, walk: Walk) -> Any:
    module, name = statics.identity(value)
    return name if module in ("builtins", "") else f"{module}.{name}"


def _function(value: Any, walk: Walk) -> Any:
    # Both are in slots of the function itself.
    return ".".join(each for each in (value.__module__, value.__qualname__) if type(each) is str)


def _module(value: Any, walk: Walk) -> Any:
    return walk.show(statics.storage(value).get("__name__"))


_args: Final = BaseException.__dict__["args"].__get__


def _exception(value: Any, walk: Walk) -> Any:
    text = message(value, walk)
    name = statics.name(type(value))
    return f"{name}: {text}" if text else name


def message(error: BaseException, walk: Walk) -> str:
    """What an exception says: its text if the interpreter itself makes it, else its arguments."""
    told = _args(error)
    own = statics.builtin(type(error), "__str__")
    if issubclass(type(error), BaseExceptionGroup):
        told = told[:1]  # It says how many it holds, and not what these say.
    if own is not None and all(map(_scalar, told)):
        return str(own.__get__(error)())
    return ", ".join(map(walk.words, told))


def _scalar(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        # Some are too long to be written.
        return unicode.cleaned(value) is value
    return kind is str or kind is float or kind is bool or value is None


KNOWN: Final[Mapping[tuple[str, str], Entry]] = {
    ("builtins", "str"): (lambda value, walk: str.__str__(value), True),
    ("builtins", "int"): (lambda value, walk: int.__int__(value), True),
    ("builtins", "float"): (lambda value, walk: walk.show(float.__float__(value)), True),
    ("builtins", "complex"): (_complex, True),
    ("builtins", "bytes"): (_bytes, True),
    ("builtins", "bytearray"): (_bytes, True),
    ("builtins", "memoryview"): (_bytes, False),
    ("builtins", "dict"): (_dict, True),
    ("builtins", "list"): (_list, True),
    ("builtins", "tuple"): (_tuple, True),
    ("builtins", "set"): (_set, True),
    ("builtins", "frozenset"): (_set, True),
    ("builtins", "range"): (_range, False),
    ("builtins", "slice"): (_slice, False),
    ("builtins", "type"): (_class, True),
    ("builtins", "function"): (_function, False),
    ("builtins", "builtin_function_or_method"): (_function, False),
    ("builtins", "module"): (_module, True),
    ("builtins", "mappingproxy"): (_proxy, False),
    ("builtins", "dict_keys"): (_sized, False),
    ("builtins", "dict_values"): (_sized, False),
    ("builtins", "dict_items"): (_sized, False),
    ("builtins", "BaseException"): (_exception, True),
    ("types", "SimpleNamespace"): (_namespace, False),
    ("array", "array"): (_sized, False),
    ("collections", "deque"): (_deque, True),
    ("collections", "UserDict"): (_userdict, False),
    ("collections", "UserList"): (_userdict, False),
    ("collections", "UserString"): (_userdict, False),
    ("collections", "ChainMap"): (_chain, False),
    ("datetime", "date"): (_moment, True),
    ("datetime", "time"): (_moment, True),
    ("datetime", "timedelta"): (lambda value, walk: timedelta.__str__(value), True),
    ("datetime", "timezone"): (_text, False),
    ("zoneinfo", "ZoneInfo"): (_zone, False),
    ("decimal", "Decimal"): (_decimal, True),
    ("fractions", "Fraction"): (_fraction, True),
    ("uuid", "UUID"): (_uuid, True),
    ("re", "Pattern"): (_pattern, False),
    **{
        (module, name): (_text, False)
        for module in ("pathlib", "pathlib._local")
        for name in ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")
    },
    **{
        ("ipaddress", f"IPv{version}{kind}"): (_text, False)
        for version in (4, 6)
        for kind in ("Address", "Network", "Interface")
    },
}

# Types of the interpreter's that no module has under their name.
UNNAMED: Final[tuple[type, ...]] = (
    type({}.keys()),
    type({}.values()),
    type({}.items()),
    type(statics.identity),
    type(len),
    type(type.__dict__),
    type(statics),
)
