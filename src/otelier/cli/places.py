"""Where the spans of ``otelier run`` go: the store, a file, others; and whether they can."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otelier.cli.interpreters import RefusedError
from otelier.settings import (
    FILE_EXPORTER,
    STORE_EXPORTER,
    Settings,
    is_url,
    store_file,
    store_path,
    traces_exporters,
)

_EXPORTERS: Final = "OTEL_TRACES_EXPORTER"


@dataclass(frozen=True, slots=True)
class Places:
    """What an environment says of where spans go."""

    # The names of all exporters.
    exporters: tuple[str, ...]
    store: Path | None
    file: Path | None


def of(environ: Mapping[str, str]) -> Places:
    """The places that a program with this environment writes to."""
    names = traces_exporters(environ)
    store = store_file(environ.get("OTELIER_STORE", "").strip()).absolute()
    file = Path(environ.get("OTELIER_TRACE_FILE", "").strip() or Settings().trace_file).absolute()
    return Places(
        names,
        store if STORE_EXPORTER in names else None,
        file if FILE_EXPORTER in names else None,
    )


def see_to(environ: dict[str, str], *, store_named: bool, file_named: bool) -> list[str]:
    """Take out of ``environ`` what cannot be written; a line for each.

    Raises RefusedError where it is what the user has named; what nobody asked for is no reason not
    to run the program.
    """
    from otelier.store.health import look, unwritable

    places = of(environ)
    problems: dict[str, tuple[str, bool]] = {}
    if places.store and (problem := look(places.store).problem):
        problems[STORE_EXPORTER] = f"the store {places.store}: {problem}", store_named
    if places.file and (problem := unwritable(places.file) or ""):
        problems[FILE_EXPORTER] = f"traces to {places.file}: {problem}", file_named
    for what, named in problems.values():
        if named:
            raise RefusedError(f"cannot write {what}")
    if problems:
        left = [name for name in places.exporters if name not in problems]
        environ[_EXPORTERS] = ",".join(left) or "none"
    return [
        f"cannot write {what}; spans are not kept there, --store or --file names another place"
        for what, _ in problems.values()
    ]


def file(text: str) -> str:
    """A store that is written, by what a person calls it. Raises ArgumentTypeError for a URL."""
    if is_url(text):
        raise argparse.ArgumentTypeError("a store with a URL is filled by others; name a file")
    return text


def add_store(parser: argparse.ArgumentParser) -> None:
    """Declare the option that names the store to be written."""
    parser.add_argument("--store", metavar="PATH", type=file, help="the store (OTELIER_STORE)")


def store(named: str | None) -> Path:
    """The file of the store to be written; by default the one of the settings."""
    return store_file(named) if named else store_path()


def from_here(path: Path) -> str:
    """A path as short as it can be typed here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
