"""What a question is: a name, what it takes, what it finds, and the SQL that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from otelier.store.engine import Engine

# What a parameter takes. "time": a datetime in UTC; from texts see moments.py.
ParameterType: TypeAlias = Literal["text", "int", "float", "bool", "time"]
# What a column holds. "text" is never None: '' is what is not there. "list" is a tuple of texts,
# "data" what JSON can hold. The others are None where it is not known, if the column is optional.
ColumnType: TypeAlias = Literal["text", "int", "float", "bool", "time", "list", "data"]
Value: TypeAlias = str | int | float | bool | datetime | None
# All parameters of a question by name; None where one was not given.
Values: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a question may be told."""

    name: str
    type: ParameterType
    help: str
    default: Value = None
    # Instead of any text, one of these.
    choices: tuple[str, ...] = ()
    # Instead of any text, one that this regular expression fits.
    form: str = ""
    # Must be given.
    required: bool = False
    # What the question is about: the word behind the verb, an argument without its name.
    subject: bool = False
    # The condition that it makes of a row, where it is given: ``user = :user``.
    where: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """What a row of the answer has under one name."""

    name: str
    type: ColumnType
    help: str
    # "USD", "s", "tokens"; "share" is between 0 and 1.
    unit: str = ""
    # Whether it may be None: not known.
    optional: bool = False
    # Whether a terminal leaves it out; it is in everything else.
    hidden: bool = False
    # What a table calls it, if not by its name.
    label: str = ""
    # Of a sum: columns that count what is missing in it, so that it is more than it says.
    missing: tuple[str, ...] = ()


# SQL as both engines understand it (see store/engine.py). In braces: ``{filters}``, the conditions
# of the parameters that were given, joined by AND; ``{limit}``.
Sql: TypeAlias = str | Callable[[Values], str]
# Makes rows of what the SQL found, where SQL alone cannot.
Fold: TypeAlias = Callable[
    ["Engine", Values, Sequence[Mapping[str, Any]]], Iterable[Mapping[str, Any]]
]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a call log."""

    name: str
    # The name of its rows' type.
    row: str
    # One sentence, then what else is to be known of it.
    help: str
    # How it is asked in Python, behind ``otelier.questions.``.
    example: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    # None where nothing is to be found before ``fold`` asks.
    sql: Sql | None
    fold: Fold | None = None
    # How it is asked so that the sum of its rows' ``cost`` is all that was paid; None where it is
    # not. Such rows have ``unpriced`` and ``uncounted``, too.
    budget: Mapping[str, Value] | None = field(default=None, hash=False)
    # Whether it can be asked again for what is new: its rows have ``trace_id`` and ``span_id``.
    follows: bool = False
    # How a terminal shows it: as a table; "whole", line by line; "said", with ``text`` below.
    shown: Literal["table", "whole", "said"] = "table"

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.help.partition("\n")[0]
