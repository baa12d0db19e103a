"""A request as a program by the provider's SDK.

Names in it are ours; what a span says is in literals and in comments of one line each.
"""

from __future__ import annotations

from typing import Any, Final

from otelier.viewer.text import clean
from otelier.web.shown.again.literals import literal
from otelier.web.shown.again.made import Again, Program

# Two lines of our own first: Python looks into them for the encoding of the whole.
_HEAD: Final = "# Made from what a span recorded.\n#\n# What is not as it was sent:\n"
_STEP: Final = "    "
# What literals call.
_USED: Final = (("base64", "b64decode"), ("json", "loads"))
_WHOLE: Final = "answer = {}\nprint(answer.model_dump_json(indent=2))\n"
_STREAMED: Final = "events = {}\nfor event in events:\n    print(event.model_dump_json())\n"


def written(again: Again, program: Program) -> str:
    """The program's text."""
    client = _call(program.client, program.options, f'api_key=environ["{again.variable}"]')
    call = _call(program.call, program.arguments)
    code = f"client = {client}\n" + (_STREAMED if again.stream else _WHOLE).format(call)
    used = [name for name, function in _USED if f"{name}.{function}(" in code]
    comments = _HEAD + "".join(f"# - {clean(line)}\n" for line in again.missing)
    imports = "".join(f"import {name}\n" for name in used)
    return f"{comments}{imports}from os import environ\n\n{program.imports}\n\n{code}"


def _call(name: str, arguments: dict[str, Any], *before: str) -> str:
    given = [*before, *(f"{each}={literal(value, _STEP)}" for each, value in arguments.items())]
    return "\n".join([f"{name}(", *(f"{_STEP}{each}," for each in given), ")"])
