"""Values of ClickHouse's columns as an answer has them: what JSON knows, and times as texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from otelier.store import rows

# For the client: times as whole numbers, for a Python time has no nanoseconds.
FORMATS: Final = {"DateTime*": "int"}
_SECOND: Final = 1_000_000_000
_AS_THEY_ARE: Final = (str, bool, int, float, type(None))
Read = Callable[[Any], Any]


def table(kinds: Sequence[Any], found: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The rows of an answer; ``kinds``: its columns' types, the client's objects."""
    readers = [_reader(kind) for kind in kinds]
    return [tuple(read(value) for read, value in zip(readers, row, strict=True)) for row in found]


def _reader(kind: Any) -> Read:
    """How values of a column's type are read."""
    name = kind.base_type
    if name in ("DateTime", "DateTime64"):
        size = _SECOND // 10 ** getattr(kind, "scale", 0)
        return lambda ticks: None if ticks is None else rows.moment(ticks * size)
    if name == "Array":
        member = _reader(kind.element_type)
        return lambda members: [member(each) for each in members]
    if name == "Map":
        named = _reader(kind.value_type)
        return lambda members: {str(key): named(each) for key, each in members.items()}
    return plain


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    # Days, addresses, UUIDs.
    return str(value)
