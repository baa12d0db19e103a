"""``otelier export --html``: one trace as a page in a file, to be sent to somebody."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from otelier.cli.extras import missing
from otelier.cli.writing import into
from otelier.store.engine import StoreError
from otelier.viewer.text import clean, shorten

if TYPE_CHECKING:
    from otelier.web.sharing import Made

# What chooses among many traces or names another kind of file.
_OTHERS: Final = ("trace", "session", "since", "until", "parquet")
# In the place of an id: the newest trace.
_LAST: Final = "last"
# Characters of a title that are told.
_TITLE: Final = 80


def run(args: argparse.Namespace) -> int:
    """Write the page; 1 if there is no such trace, or it cannot be read or written."""
    told = [f"--{name}" for name in _OTHERS if getattr(args, name)]
    if told:
        return _refuse(f"{told[0]} is not for --html, which takes one trace", 2)
    if missing("export --html", "ui", "jinja2", "markdown_it"):
        return 2
    if args.file and args.file != "-" and (why := _kept(Path(args.file))):
        return _refuse(why, 2)
    try:
        name, made = _made(args)
        if args.file == "-":
            sys.stdout.buffer.write(made.encode())
            sys.stdout.buffer.flush()
        else:
            path = Path(args.file or name)
            if why := _kept(path):
                return _refuse(why, 2)
            into(path, lambda file: _written(file, made))
    except BrokenPipeError:
        raise
    except StoreError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{args.file or name}: {error.strerror or error}")
    for note in made.notes:
        if note.warns:
            print(f"otelier export: {note.text}", file=sys.stderr)
    if args.file != "-":
        rules = " ".join(note.text for note in made.notes if not note.warns)
        title = shorten(made.title, _TITLE)
        print(clean(f"exported {title} to {path}. {rules}").rstrip())
    return 0


def _made(args: argparse.Namespace) -> tuple[str, Made]:
    """What the file is called if nobody says it, and the page. Raises StoreError."""
    from otelier.store.evaluations import evaluations
    from otelier.store.finding import one
    from otelier.store.opening import opened
    from otelier.web import sharing

    engine = opened(args.store)
    try:
        spans = one(engine, "" if args.html == _LAST else args.html)
        trace_id = spans[0].trace_id
        said = evaluations(engine, trace_id)
    finally:
        engine.close()
    return sharing.file_name(trace_id), sharing.document(spans, said)


def _written(file: IO[bytes], made: Made) -> list[int]:
    file.write(made.encode())
    return [made.spans]


def _kept(path: Path) -> str:
    """Why a file that is there is not written over; empty where it may be.

    A page that was exported before is: the next one takes its place.
    """
    from otelier.cli.view import is_database
    from otelier.web.sharing import is_document

    if is_database(str(path)):
        return f"{path} is a database and left as it is; --store names the store"
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            begins = file.read(4096)
    except OSError:
        return ""
    if not begins or is_document(begins):
        return ""
    return f"{path} is there and no exported trace; it is left as it is"


def _refuse(line: str, code: int = 1) -> int:
    print(f"otelier export: {clean(line)}", file=sys.stderr)
    return code
