"""Asks a store a question, and makes rows of what it says."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, make_dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from otelier import spelling
from otelier.questions import moments
from otelier.questions.model import Column, Parameter, Question, Sql, Value

if TYPE_CHECKING:
    from otelier.store.engine import Engine
    from otelier.store.engine import Parameter as Bound

# What both engines take, from 0 on.
_NUMBERS: Final = range(2**63)
_NAMED: Final = re.compile(r":([a-z_]+)")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def ask(question: Question, engine: Engine, **given: Any) -> list[Any]:
    """The answer's rows: of ``row_type(question)``.

    ``given``: parameters by name; texts are read as a command line's are, None is not given.
    Raises TypeError for a name that the question does not have or lacks, ValueError for a value
    that makes no sense, StoreError where the store cannot be asked.
    """
    values = taken(question, given)
    rows: Iterable[Mapping[str, Any]] = ()
    if question.sql is not None:
        query = sql(question, question.sql, values)
        rows = engine.ask(query, bound(query, values)).dicts()
    if question.fold is not None:
        rows = question.fold(engine, values, list(rows))
    return made(question, rows)


def made(question: Question, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Rows of ``row_type(question)`` of what a store says."""
    row = row_type(question)
    return [
        row(*(_read(column, told[column.name]) for column in question.columns)) for told in rows
    ]


def as_json(question: Question, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows as JSON has them: times as texts with a zone."""
    return [
        {column.name: _plain(getattr(row, column.name)) for column in question.columns}
        for row in rows
    ]


def taken(question: Question, given: Mapping[str, Any]) -> dict[str, Value]:
    """All parameters by name, as a question takes them. Raises as ``ask``."""
    known = {parameter.name: parameter for parameter in question.parameters}
    for name in given:
        if name not in known:
            meant = spelling.question(name, known)
            raise TypeError(f"{question.name}() has no parameter {name!r}{meant}")
    values: dict[str, Value] = {}
    for name, parameter in known.items():
        value = given.get(name)
        values[name] = parameter.default if value is None else read(parameter, value)
        if parameter.required and values[name] is None:
            raise TypeError(f"{question.name}() needs {name!r}: {parameter.help}")
    return values


def read(parameter: Parameter, told: Any) -> Value:
    """A value of a parameter, from itself or from a text. Raises ValueError."""
    if parameter.type == "time":
        return moments.moment(told)
    if parameter.type == "bool":
        return _flag(parameter, told)
    if parameter.type == "int":
        return _whole(parameter, told)
    if parameter.type == "float":
        return _number(parameter, told)
    text = str(told)
    # What no UTF-8 has is in no store.
    text = text.encode("utf-8", "replace").decode()
    if parameter.choices and text not in parameter.choices:
        meant = spelling.question(text, parameter.choices)
        choices = ", ".join(parameter.choices)
        raise ValueError(f"{parameter.name} is one of {choices}, not {text!r}{meant}")
    if parameter.form and not re.fullmatch(parameter.form, text):
        raise ValueError(f"{text!r} is no {parameter.name}: {parameter.help}")
    return text


def _flag(parameter: Parameter, told: Any) -> bool:
    word = str(told).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{parameter.name} is true or false, not {told!r}")
    return word in _TRUE


def _whole(parameter: Parameter, told: Any) -> int:
    try:
        number = int(told)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{parameter.name} is a whole number, not {told!r}") from None
    if number not in _NUMBERS:
        raise ValueError(f"{parameter.name} is a number from 0 on, not {told!r}")
    return number


def _number(parameter: Parameter, told: Any) -> float:
    try:
        number = float(told)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{parameter.name} is a number from 0 on, not {told!r}")
    return number


def sql(question: Question, told: Sql, values: Mapping[str, Value]) -> str:
    """A question's SQL, with the conditions of those parameters that were given."""
    text = told if isinstance(told, str) else told(values)
    limit = values.get("limit")
    return text.format(
        filters=filters(question.parameters, values),
        limit=f"LIMIT {limit:d}" if limit else "",
    )


def filters(parameters: Iterable[Parameter], values: Mapping[str, Value]) -> str:
    """The conditions of the parameters that were given."""
    told = [p.where for p in parameters if p.where and values[p.name] not in (None, False)]
    return " AND ".join(told) or "1 = 1"


def one_of(name: str, texts: Iterable[str]) -> tuple[str, dict[str, Bound]]:
    """The condition that a column is one of these texts, and the values that it names."""
    given: dict[str, Bound] = {f"{name}_{number}": text for number, text in enumerate(texts)}
    return f"{name} IN ({', '.join(f':{each}' for each in given)})", given


def bound(query: str, values: Mapping[str, Value]) -> dict[str, Bound]:
    """The values that a query names."""
    return {name: values[name] for name in _NAMED.findall(query) if name in values}


# --- rows -------------------------------------------------------------------------------------

TYPES: Final[Mapping[str, Any]] = {
    "text": str,
    "int": int,
    "float": float,
    "bool": bool,
    "time": datetime,
    "list": tuple[str, ...],
    "data": Any,
}


@cache
def row_type(question: Question) -> type[Any]:
    """A frozen dataclass with the question's columns as fields."""
    assert not any(keyword.iskeyword(column.name) for column in question.columns)
    return make_dataclass(
        question.row,
        [(column.name, annotation(column), field()) for column in question.columns],
        frozen=True,
        slots=True,
        namespace={"__doc__": f"A row of :func:`{question.name}`.", "__module__": __package__},
    )


def annotation(column: Column) -> Any:
    """The type of a column's values."""
    plain = TYPES[column.type]
    return plain | None if column.optional and column.type != "data" else plain


def _read(column: Column, value: Any) -> Any:
    """A value of a store as the column says that it is."""
    if value is None:
        return "" if column.type == "text" else () if column.type == "list" else None
    if column.type == "time" and isinstance(value, str):
        return moments.read(value) if value else None
    if column.type == "list":
        return tuple(listed(value))
    if column.type in ("bool", "int", "float"):
        return TYPES[column.type](value)
    return value


def listed(value: Any) -> Sequence[str]:
    """A list of texts: SQLite has it as JSON."""
    if not isinstance(value, str):
        return [str(each) for each in value]
    try:
        found = json.loads(value) if value else []
    except ValueError:
        return [value]
    return [str(each) for each in found] if isinstance(found, list) else [value]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"
    return list(value) if isinstance(value, tuple) else value
