"""Python functions for questions: ``otelier.questions.costs(by="user")``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, TypeAlias

from otelier.questions.asking import ask, row_type
from otelier.questions.model import Parameter, Question
from otelier.store.engine import Engine

# Where to ask: None for the default, a path or a URL, or an open store, which is left open.
Store: TypeAlias = str | Path | Engine | None
# Of a line of help, which is indented.
_WIDTH: Final = 94
STORE: Final = (
    "store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE."
)


def function(question: Question) -> Callable[..., list[Any]]:
    """The question as a function, as ``stub.py`` describes it to type checkers."""

    def asked(*args: Any, store: Store = None, **given: Any) -> list[Any]:
        bound = signature.bind(*args, store=store, **given)
        values = {name: value for name, value in bound.arguments.items() if name != "store"}
        if store is not None and not isinstance(store, str | Path):
            return ask(question, store, **values)
        from otelier.store.opening import opened

        engine = opened(None if store is None else str(store))
        try:
            return ask(question, engine, **values)
        finally:
            engine.close()

    signature = inspect.Signature(
        [*map(_parameter, question.parameters), _STORE],
        return_annotation=list[row_type(question)],  # type: ignore[misc]
    )
    asked.__name__ = asked.__qualname__ = question.name
    asked.__module__ = __package__
    asked.__doc__ = documentation(question)
    asked.__signature__ = signature  # type: ignore[attr-defined]
    return asked


def paragraphs(question: Question, width: int = _WIDTH) -> list[str]:
    """What is to be known of a question, in lines."""
    parts = [wrap(part, width) for part in question.help.split("\n\n")]
    return [line for part in parts for line in (*part, "")][:-1]


def documentation(question: Question) -> str:
    """What the function's help says."""
    told = [f"{parameter.name}: {parameter.help}." for parameter in question.parameters]
    lines = [*paragraphs(question), "", "Args:"]
    for line in (*told, STORE):
        lines += wrap(line, _WIDTH, initial_indent="    ", subsequent_indent="        ")
    lines += [
        "",
        "Raises TypeError or ValueError for what it cannot be told, and",
        "otelier.store.engine.StoreError where the store cannot be read.",
        "",
        "Example::",
        "",
        f"    otelier.questions.{question.example}",
    ]
    return "\n".join(lines)


_STORE: Final = inspect.Parameter("store", inspect.Parameter.KEYWORD_ONLY, default=None)


def _parameter(parameter: Parameter) -> inspect.Parameter:
    kind = (
        inspect.Parameter.POSITIONAL_OR_KEYWORD
        if parameter.subject
        else inspect.Parameter.KEYWORD_ONLY
    )
    default = inspect.Parameter.empty if parameter.required else parameter.default
    return inspect.Parameter(parameter.name, kind, default=default)
