"""A verb for each question: ``otelier costs --by user --since 24h``."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from otelier.cli import printing
from otelier.cli.output import Output
from otelier.questions.asking import ask, read, taken
from otelier.questions.faces import paragraphs
from otelier.questions.model import Parameter, Question, Value
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine, StoreError
from otelier.store.opening import opened
from otelier.viewer import terminal
from otelier.viewer.text import clean, dollars

_OVER: Final = 1
_NOT_KNOWN: Final = 2
# How often is looked for new calls, and how long one may have lasted to be seen when it ends.
_EVERY: Final = 0.5
_BACK: Final = timedelta(hours=1)
_MOST_NEW: Final = 10_000
# What sums of fractions may be wrong by: 0.1 and 0.2 are no more than 0.3.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Verb:
    """A question as a command: what a command's module has."""

    question: Question

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        _add_arguments(parser, self.question)

    def run(self, arguments: argparse.Namespace) -> int:
        """Print what the question finds; the exit code."""
        try:
            engine = opened(arguments.store)
            try:
                return answer(self.question, engine, arguments)
            finally:
                engine.close()
        except StoreError as error:
            _say(self.question.name, str(error))
            return 1


def verb(name: str) -> Verb:
    """The verb of a question."""
    return Verb(BY_NAME[name])


def _add_arguments(parser: argparse.ArgumentParser, question: Question) -> None:
    width = min(terminal.columns(sys.stdout), 100) - 2
    parser.description = "\n".join(paragraphs(question, width)).replace("``", "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for parameter in question.parameters:
        _add(parser, parameter)
    if question.budget is not None:
        parser.add_argument(
            "--max",
            type=_typed(Parameter("max", "float", "")),
            metavar="USD",
            help="end with code 1 if it cost more in all, with 2 if that cannot be known",
        )
    if question.follows:
        parser.add_argument(
            "--follow",
            action="store_true",
            help="go on with what is new (what lasted more than an hour is not told)",
        )
    printing.add_arguments(parser)


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    text = parameter.help.replace("%", "%%")
    if parameter.type == "bool":
        parser.add_argument(_option(parameter), action="store_true", help=text)
        return
    options: dict[str, Any] = {"type": _typed(parameter), "default": parameter.default}
    if parameter.choices:
        options["metavar"] = parameter.name.upper()
        text += ": " + ", ".join(parameter.choices)
    if parameter.default is not None:
        text += f" (default: {parameter.default})"
    if parameter.subject:
        many = None if parameter.required else "?"
        parser.add_argument(parameter.name, nargs=many, help=text, **options)
    else:
        parser.add_argument(_option(parameter), dest=parameter.name, help=text, **options)


def _option(parameter: Parameter) -> str:
    return "--" + parameter.name.replace("_", "-")


def _typed(parameter: Parameter) -> Callable[[str], Value]:
    def value(text: str) -> Value:
        try:
            return read(parameter, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value


def answer(question: Question, engine: Engine, arguments: argparse.Namespace) -> int:
    """Print what is found in an open store. Raises StoreError."""
    given = {p.name: getattr(arguments, p.name) for p in question.parameters}
    values = taken(question, given)
    output = Output(question, values, sys.stdout, arguments.form, wide=arguments.wide)
    if getattr(arguments, "follow", False):
        return _follow(question, engine, given, output)
    rows = ask(question, engine, **given)
    output.write(rows)
    if not rows:
        _say(question.name, f"nothing of that in {engine.place}")
    budget = getattr(arguments, "max", None)
    return 0 if budget is None else over(question, engine, given, budget)


def over(question: Question, engine: Engine, given: dict[str, Any], budget: float) -> int:
    """0 if what was asked for cost no more than ``budget``; else a line, and why as a code."""
    rows = ask(question, engine, **{**given, **(question.budget or {})})
    cost = sum(row.cost or 0.0 for row in rows)
    missing = sum(row.unpriced for row in rows)
    silent = sum(row.uncounted for row in rows)
    if cost > budget and not math.isclose(cost, budget, rel_tol=_ROUNDING):
        least = "at least " if missing or silent else ""
        _say(question.name, f"over budget: {least}{dollars(cost)} of {_amount(budget)}")
        return _OVER
    if missing or silent:
        why = [_calls(missing, "no known price"), _calls(silent, "no usage told")]
        what = " and ".join(word for word in why if word)
        _say(question.name, f"at least {_amount(cost)} of {_amount(budget)}: {what}")
        return _NOT_KNOWN
    return 0


def _amount(money: float) -> str:
    return dollars(money) if money else "$0.00"


def _calls(number: int, what: str) -> str:
    calls = "1 call has" if number == 1 else f"{number:,} calls have"
    return f"{calls} {what}" if number else ""


def _follow(question: Question, engine: Engine, given: dict[str, Any], output: Output) -> int:
    """Print rows, the oldest first, and those that come; until it is interrupted."""

    def recent() -> dict[tuple[str, str], Any]:
        since = datetime.now(UTC) - _BACK
        asked = {**given, "since": max(since, given["since"] or since), "limit": _MOST_NEW}
        return {(row.trace_id, row.span_id): row for row in ask(question, engine, **asked)}

    seen = set(recent())
    rows = ask(question, engine, **given)
    seen |= {(row.trace_id, row.span_id) for row in rows}
    output.more(rows[::-1])
    while True:
        time.sleep(_EVERY)
        found = recent()
        output.more([row for ids, row in found.items() if ids not in seen][::-1])
        # What has become too old to be found need not be remembered.
        seen = set(found)


def _say(name: str, words: str) -> None:
    print(f"otelier {name}: {clean(words)}", file=sys.stderr)
