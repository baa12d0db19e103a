"""``otelier sql``: a query of one's own on the store, local or ClickHouse. It only reads."""

from __future__ import annotations

import argparse
import math
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Final

from otelier.cli import printing
from otelier.cli.printing import Printer, distinct
from otelier.questions.asking import read
from otelier.questions.cells import UNKNOWN, compact
from otelier.questions.model import Parameter
from otelier.store import views
from otelier.store.engine import Answer, Engine, StoreError
from otelier.store.opening import opened
from otelier.viewer.tables import Drawing, Heading
from otelier.viewer.text import clean

_STDIN: Final = "-"
# Rows of a table, which a person reads; a program gets all.
_ROWS: Final = 1_000
_LIMIT: Final = Parameter("limit", "int", "")
_EXAMPLE: Final = "otelier sql 'SELECT model, sum(cost) AS cost FROM spent GROUP BY model'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "Times are texts in UTC; what began within a day: "
        "WHERE time > (SELECT day FROM otelier.ago). "
        f"Example: {_EXAMPLE}"
    )
    parser.add_argument(
        "query",
        nargs="?",
        help="SQL, or - to read it from standard input; without it, the views are listed",
    )
    parser.add_argument(
        "--limit",
        type=_limit,
        metavar="N",
        help=f"no more rows; 0 is all (default: {_ROWS:,} of a table, all as JSON and CSV)",
    )
    printing.add_arguments(parser)


def _limit(text: str) -> int:
    try:
        return int(str(read(_LIMIT, text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Print what the query finds; 1 if it cannot be asked."""
    query: str | None = arguments.query
    if query == _STDIN:
        query = sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        engine = opened(arguments.store)
        try:
            if query is None:
                _describe(engine, arguments.form)
            else:
                _answer(engine, _asked(query), arguments)
        finally:
            engine.close()
    except StoreError as error:
        _say(str(error))
        return 1
    return 0


def _asked(query: str) -> str:
    """The query without its semicolon, after which ClickHouse's client would add something."""
    # What no UTF-8 has, and what ends a text in SQLite, is in no store.
    text = query.encode("utf-8", "replace").decode().replace("\0", " ").strip().rstrip("; \n")
    if not text:
        raise StoreError("there is no query: an example is " + _EXAMPLE)
    return text


def _answer(engine: Engine, query: str, arguments: argparse.Namespace) -> None:
    limit: int | None = arguments.limit
    if limit is None and arguments.form == "table":
        limit = _ROWS
    # One more tells whether there are more.
    found = engine.ask(query, most=limit + 1 if limit else None)
    rows = found.rows[:limit] if limit else found.rows
    _print(Answer(tuple(distinct(found.columns)), rows), arguments)
    if len(rows) < len(found.rows):
        what = "only the first row" if limit == 1 else f"there are more than {limit:,} rows"
        _say(f"{what}: --limit 0 shows all")
    elif not rows:
        _say(f"nothing of that in {engine.place}")


def _print(answer: Answer, arguments: argparse.Namespace) -> None:
    printer = Printer(sys.stdout)
    if arguments.form == "json":
        rows = [dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]
        printer.json(rows, indent=2)
    elif arguments.form == "csv":
        printer.csv([answer.columns, *(map(_plain, row) for row in answer.rows)])
    elif answer.rows:
        _table(printer, answer, arguments.wide)


def _table(printer: Printer, answer: Answer, wide: bool) -> None:
    columns = zip(*answer.rows, strict=True)
    headings = [_heading(*each) for each in zip(answer.columns, columns, strict=True)]
    drawing = Drawing(headings, printer.look, all=wide)
    printer.text(drawing.draw([[_cell(value) for value in row] for row in answer.rows]))
    if drawing.left_out:
        _say(f"{drawing.left_out} columns are not shown, for want of room: --wide shows all")


def _heading(name: str, values: Sequence[Any]) -> Heading:
    known = [value for value in values if value is not None]
    numbers = bool(known) and all(isinstance(value, int | float) for value in known)
    return Heading(clean(name), right=numbers, whole=name == "time" or name.endswith("_id"))


def _cell(value: Any) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.10g}" if isinstance(value, float) else compact(_plain(value))


def _plain(value: Any) -> Any:
    """A value as JSON has it; of SQLite's bytes their digits."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def _describe(engine: Engine, form: str) -> None:
    """Print the views and their columns."""
    printer = Printer(sys.stdout)
    found = list(_views(engine))
    if form == "json":
        printer.json(
            [{"view": each.name, "columns": columns, "help": each.help} for each, columns in found],
            indent=2,
        )
        return
    if form == "csv":
        rows = ((each.name, column) for each, columns in found for column in columns)
        printer.csv([("view", "column"), *rows])
        return
    look = printer.look
    lines = [f"Views of {clean(engine.place)}, to be asked in SQL:"]
    most = ", ".join(found[0][1])
    for each, columns in found:
        head = f"{each.asked}  {each.help}"
        first, *rest = textwrap.wrap(look.clean(head), look.columns, subsequent_indent="    ")
        first = look.paint(each.asked, "bold") + first.removeprefix(look.clean(each.asked))
        lines += ["", first, *rest]
        names = ", ".join(columns)
        if each is not found[0][0]:
            names = names.replace(most, f"all of {found[0][0].name}")
        lines += textwrap.wrap(names, look.columns, initial_indent="  ", subsequent_indent="  ")
    printer.text("\n".join([*lines, "", f"Example: {_EXAMPLE}", ""]))


def _views(engine: Engine) -> Iterable[tuple[views.View, list[str]]]:
    for view in views.listed():
        answer = engine.ask(f"SELECT * FROM otelier.{view.asked} LIMIT 0")
        yield view, list(answer.columns)


def _say(words: str) -> None:
    print(f"otelier sql: {clean(words)}", file=sys.stderr)
