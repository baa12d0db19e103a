"""Questions as data: for those who ask over HTTP, and as the schema of a tool."""

from __future__ import annotations

from typing import Any, Final

from otelier.questions.model import Parameter, Question
from otelier.questions.moments import FORMS

# Types of JSON Schema; a time is a text in one of the forms that people write.
_TYPES: Final = {
    "text": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "time": "string",
}


def described(question: Question) -> dict[str, Any]:
    """What can be asked, and what is answered."""
    return {
        "name": question.name,
        "help": question.help,
        "parameters": schema(question),
        "columns": [
            {"name": column.name, "type": column.type, "unit": column.unit, "help": column.help}
            for column in question.columns
        ],
    }


def schema(question: Question) -> dict[str, Any]:
    """The parameters as JSON Schema."""
    return {
        "type": "object",
        "properties": {each.name: _property(each) for each in question.parameters},
        "required": [each.name for each in question.parameters if each.required],
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    help = parameter.help
    if parameter.type == "time":
        help += f"; written as {FORMS}"
    found: dict[str, Any] = {"type": _TYPES[parameter.type], "description": help}
    if parameter.choices:
        found["enum"] = list(parameter.choices)
    if parameter.form:
        found["pattern"] = f"^({parameter.form})$"
    if parameter.default is not None:
        found["default"] = parameter.default
    return found
