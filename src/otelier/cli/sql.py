"""``otelier sql``: a query of one's own on the store, local or ClickHouse. It only reads."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, Final

from otelier.cli import printing
from otelier.cli.printing import Printer
from otelier.questions.asking import read
from otelier.questions.cells import UNKNOWN, compact
from otelier.questions.model import Parameter
from otelier.store import queries
from otelier.store.engine import Engine, StoreError
from otelier.store.opening import opened
from otelier.store.queries import Found
from otelier.viewer.tables import Drawing, Heading
from otelier.viewer.text import clean

_STDIN: Final = "-"
_LIMIT: Final = Parameter("limit", "int", "")
_EXAMPLE: Final = f"otelier sql '{queries.EXAMPLE}'"


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
        help=f"no more rows; 0 is all (default: {queries.ROWS:,} of a table, all as JSON and CSV)",
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
                _answer(engine, query, arguments)
        finally:
            engine.close()
    except StoreError as error:
        _say(str(error))
        return 1
    return 0


def _answer(engine: Engine, query: str, arguments: argparse.Namespace) -> None:
    limit: int | None = arguments.limit
    if limit is None and arguments.form == "table":
        # Which a person reads; a program gets all.
        limit = queries.ROWS
    found = queries.found(lambda sql, most: engine.ask(sql, most=most), query, limit or None)
    _print(found, arguments)
    if found.cut:
        what = "only the first row" if limit == 1 else f"there are more than {limit:,} rows"
        _say(f"{what}: --limit 0 shows all")
    elif not found.rows:
        _say(f"nothing of that in {engine.place}")


def _print(found: Found, arguments: argparse.Namespace) -> None:
    printer = Printer(sys.stdout)
    if arguments.form == "json":
        printer.json(found.dicts(), indent=2)
    elif arguments.form == "csv":
        printer.csv([found.columns, *(map(queries.plain, row) for row in found.rows)])
    elif found.rows:
        _table(printer, found, arguments.wide)


def _table(printer: Printer, found: Found, wide: bool) -> None:
    columns = zip(*found.rows, strict=True)
    headings = [_heading(*each) for each in zip(found.columns, columns, strict=True)]
    drawing = Drawing(headings, printer.look, all=wide)
    printer.text(drawing.draw([[_cell(value) for value in row] for row in found.rows]))
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
    return f"{value:.10g}" if isinstance(value, float) else compact(queries.plain(value))


def _describe(engine: Engine, form: str) -> None:
    """Print the views and their columns."""
    printer = Printer(sys.stdout)
    found = list(queries.described(engine))
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


def _say(words: str) -> None:
    print(f"otelier sql: {clean(words)}", file=sys.stderr)
