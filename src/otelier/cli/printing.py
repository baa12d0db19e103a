"""Where answers of a store are printed: as a table for a person, as JSON or CSV for a program."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any, TextIO

from otelier.questions import csv_lines
from otelier.viewer import terminal
from otelier.viewer.look import Look


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which store is asked (``store``), and how it is printed (``form``, ``wide``)."""
    parser.add_argument("--store", help="a path or clickhouse://host/database, not OTELIER_STORE")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", help="as JSON")
    form.add_argument("--csv", dest="form", action="store_const", const="csv", help="as CSV")
    form.add_argument("--wide", action="store_true", help="a table of all columns")
    parser.set_defaults(form="table")


class Printer:
    """Writes on a stream what it can show. A terminal is never controlled by what is shown.

    What a program reads is as it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._person = stream.isatty()
        self.look = Look(
            color=terminal.wants_color(stream),
            width=terminal.columns(stream),
            ascii=terminal.needs_ascii(stream),
        )

    def text(self, text: str) -> None:
        """Write what is harmless already."""
        terminal.write(self._stream, text)

    def json(self, told: Any, indent: int | None = None) -> None:
        """Write what JSON can hold, and end the line."""
        escapes = self._person or self.look.ascii
        self.text(json.dumps(told, indent=indent, ensure_ascii=escapes) + "\n")

    def csv(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write rows of what JSON can hold."""
        lines: list[str] = []
        for row in rows:
            cells = map(csv_lines.text, row)
            lines.append(csv_lines.line(map(self.look.clean, cells) if self._person else cells))
        self.text("".join(lines))
