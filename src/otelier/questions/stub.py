"""Writes ``__init__.pyi``, what type checkers and editors know of the questions' functions.

``python -m otelier.questions.stub``, after a change of a question; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from otelier.questions.faces import documentation
from otelier.questions.model import Column, Parameter, Question
from otelier.questions.table import BY_NAME, BY_ROW, QUESTIONS

# Of a line, with what is around a type.
_WIDTH: Final = 70
PATH: Final = Path(__file__).with_name("__init__.pyi")

_HEAD: Final = '''\
"""Questions to a store of calls, as functions: ``otelier.questions.costs(by="user", since="24h")``.

Written by ``python -m otelier.questions.stub``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from otelier.questions.faces import Store
from otelier.questions.moments import Moment
'''
_PARAMETERS: Final = {
    "text": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "time": "Moment",
}
_COLUMNS: Final = {
    **_PARAMETERS,
    "time": "datetime",
    "list": "tuple[str, ...]",
    "data": "Any",
}


def text() -> str:
    """The stub."""
    names = [*sorted(BY_ROW), *sorted(BY_NAME)]
    every = "".join(f'    "{name}",\n' for name in names)
    parts = (part for question in QUESTIONS for part in _question(question))
    return f"{_HEAD}\n__all__ = [\n{every}]\n{''.join(parts)}"


def _question(question: Question) -> Iterator[str]:
    yield "\n@dataclass(frozen=True, slots=True)\n"
    yield f"class {question.row}:\n"
    yield f'    """A row of :func:`{question.name}`."""\n\n'
    for column in question.columns:
        yield f"    {column.name}: {_type(column)}\n"
        unit = f", in {column.unit}" if column.unit else ""
        yield f'    """{_sentence(column.help + unit)}"""\n'
    subjects = [p for p in question.parameters if p.subject]
    others = [p for p in question.parameters if not p.subject]
    yield f"\ndef {question.name}(\n"
    yield from (f"    {_parameter(parameter)},\n" for parameter in subjects)
    yield "    *,\n"
    yield from (f"    {_parameter(parameter)},\n" for parameter in others)
    yield "    store: Store = None,\n"
    yield f") -> list[{question.row}]:\n"
    lines = documentation(question).splitlines()
    yield f'    """{lines[0]}\n'
    yield from (f"    {line}\n" if line else "\n" for line in lines[1:])
    yield '    """\n'


def _parameter(parameter: Parameter) -> str:
    kind = _PARAMETERS[parameter.type]
    if parameter.choices:
        kind = _literal(parameter)
    if parameter.required:
        return f"{parameter.name}: {kind}"
    if parameter.default is None:
        return f"{parameter.name}: {kind} | None = None"
    default = parameter.default
    shown = _quoted(default) if isinstance(default, str) else repr(default)
    return f"{parameter.name}: {kind} = {shown}"


def _literal(parameter: Parameter) -> str:
    choices = [_quoted(choice) for choice in parameter.choices]
    line = f"Literal[{', '.join(choices)}]"
    if len(line) < _WIDTH - len(parameter.name):
        return line
    return "Literal[\n" + "".join(f"        {choice},\n" for choice in choices) + "    ]"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _type(column: Column) -> str:
    kind = _COLUMNS[column.type]
    return f"{kind} | None" if column.optional and kind != "Any" else kind


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
