"""``otelier run``: a program, instrumented, with its traces in the terminal and in the store."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from shutil import copy, which
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from otelier import setting_texts, settings
from otelier.cli import afterwards, beside, extras, interpreters, launching, places, seen
from otelier.settings import CAPTURE_ENV, FILE_EXPORTER, RUN_REPORTS, STORE_EXPORTER

# A folder whose ``sitecustomize`` starts otelier in every Python of the program.
BOOT: Final = str(Path(__file__).with_name("boot"))
_TREE: Final = "otelier_tree"
# Of a trace's id: who would type more?
_DIGITS: Final = 8
# Traces that somebody would look at in a terminal.
_MANY: Final = 20
_OTLP_PORT_GRPC: Final = 4317
_ENDED: Final = frozenset(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# The SDK's five seconds are long for somebody who is looking.
_FLUSH: Final = {"OTEL_BSP_SCHEDULE_DELAY": "1000"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.usage = "otelier run [options] [--] command ..."
    parser.epilog = (
        "Example: otelier run python app.py. What OTEL_* and OTELIER_* variables say is kept; "
        "options win over them. Exit code: the program's; 2, 126 and 127 with a line of otelier's "
        "where it was not started: wrong usage, not executable, not found."
    )
    parser.add_argument("--otlp", metavar="URL", help="also send to this OTLP endpoint")
    parser.add_argument(
        "--store", metavar="PATH", type=places.file, help="keep spans in this store (OTELIER_STORE)"
    )
    parser.add_argument("--file", metavar="PATH", help="also write OTLP JSON lines to this file")
    parser.add_argument("--messages", action="store_true", help="show messages in the tree")
    parser.add_argument(
        "--ui", action="store_true", help="show the store in a browser while it runs (otelier ui)"
    )
    parser.add_argument("--no-tree", action="store_true", help="print no tree")
    parser.add_argument(
        "--capture",
        metavar="MODE",
        type=_capture,
        help="where content goes: NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT",
    )
    parser.add_argument("--service", metavar="NAME", help="service name (the script's name)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the program and its arguments")


def _capture(text: str) -> str:
    try:
        setting_texts.capture(text)
    except setting_texts.InvalidError as wanted:
        raise argparse.ArgumentTypeError(f"use {wanted}") from None
    return text


def run(args: argparse.Namespace) -> int:
    """Run the program; the exit code is its own, or says that it was not started."""
    command: list[str] = args.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        return _refuse("no command, try: otelier run python app.py")
    if args.ui and extras.missing("run --ui", "ui", *extras.UI):
        return interpreters.USAGE
    environ = {**os.environ, **environment(os.environ, args, command)}
    try:
        program = interpreters.find(command, os.environ)
        notes = places.see_to(
            environ,
            store_named=bool(_named(os.environ, args)),
            file_named=bool(args.file or os.environ.get("OTELIER_TRACE_FILE")),
        )
    except interpreters.RefusedError as refused:
        return _refuse(str(refused), refused.code)
    for note in (program.note, *notes):
        if note:
            _say(note)
    there = places.of(environ)
    with beside.page(there.store if args.ui else None, _say) as read:
        status = _started(program.command, environ, there)
        # Who ended the program so, be it through this process, wants nothing to stay.
        if -status not in _ENDED:
            read()
    return launching.end_as(status)


def _started(command: Sequence[str], environ: dict[str, str], there: places.Places) -> int:
    """Run it, and say what was seen; its exit code, or a signal's number below zero."""
    begin = seen.size(there.file) if there.file is not None else 0
    with TemporaryDirectory(prefix="otelier-run-", ignore_cleanup_errors=True) as folder:
        environ["PYTHONPATH"] = os.pathsep.join(
            [BOOT, *([environ["PYTHONPATH"]] if environ.get("PYTHONPATH") else [])]
        )
        environ[RUN_REPORTS] = folder
        try:
            status = launching.launch(command, environ)
        except OSError as error:
            return _refuse(
                f"{command[0]} cannot be started ({error.strerror})", interpreters.NOT_EXECUTABLE
            )
        try:
            _say(_last_line(Path(folder), there, begin, environ, status))
        except Exception as error:
            _say(f"what was seen cannot be told ({type(error).__name__})")
        _hand_on(Path(folder))
    return status


def _hand_on(folder: Path) -> None:
    """Under another ``otelier run`` that one's program was this one's."""
    above = settings.run_reports()
    if above:
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                copy(path, Path(above, f"{os.getpid()}-{path.name}"))


def _last_line(
    folder: Path, there: places.Places, begin: int, environ: Mapping[str, str], status: int
) -> str:
    reports = afterwards.read(folder)
    if there.store is not None:
        found = seen.in_store(there.store, folder)
        if not found.traces and not found.lost and not found.much:
            from otelier.store import telling

            others = telling.elsewhere(folder, there.store)
            if others:
                told = ", ".join(quote(places.from_here(path)) for path in others)
                return f"what was seen is in {told}, which the program named itself"
    elif there.file is not None:
        found = seen.in_file(there.file, begin)
    else:
        found = seen.counted(reports.told)
    return afterwards.line(found, reports, _where(there, found), environ, status)


def _where(there: places.Places, found: seen.Seen) -> str:
    """Where spans went, and how they are looked at there."""
    files = [quote(places.from_here(path)) for path in (there.store, there.file) if path]
    if not files:
        return f"to {','.join(there.exporters) or 'none'}"
    where = " and ".join(files)
    if there.store is None:
        return f"{where} (see it with: {otelier()} view {where})"
    which = f" {found.trace_id[:_DIGITS]}" if found.traces == 1 else ""
    which += f" --last {min(found.traces, _MANY)}" if found.traces > 1 else ""
    other = there.store != Path(settings.store()).absolute()
    which += f" --store {files[0]}" if other else ""
    return f"{where} (see it with: {otelier()} trace{which})"


def otelier() -> str:
    """How this command is called from here, as it may be typed."""
    beside = Path(sys.executable).with_name("otelier")
    found = which("otelier")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "otelier"
    if not beside.exists():
        return f"{quote(sys.executable)} -m otelier.cli"
    return quote(places.from_here(beside))


def _refuse(line: str, code: int = interpreters.USAGE) -> int:
    _say(line)
    return code


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(f"otelier run: {line}", file=sys.stderr, flush=True)


def environment(
    given: Mapping[str, str], args: argparse.Namespace, command: Sequence[str]
) -> dict[str, str]:
    """The variables to set for the program: options, and defaults for what ``given`` lacks."""
    to_backend = bool(args.otlp or given.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    exporters = _exporters(given, args, to_backend)
    defaults = {
        **_FLUSH,
        **({} if to_backend else {"OTEL_METRICS_EXPORTER": "none"}),
        "OTEL_LOGS_EXPORTER": ",".join(_of_events(exporters, to_backend)) or "none",
        "OTELIER_THREADS": "true",
    }
    if "service.name=" not in given.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        defaults["OTEL_SERVICE_NAME"] = service_name(command)
    if to_backend:
        endpoint = args.otlp or given["OTEL_EXPORTER_OTLP_ENDPOINT"]
        defaults["OTEL_EXPORTER_OTLP_PROTOCOL"] = _protocol(endpoint)
    options = {
        "OTEL_TRACES_EXPORTER": ",".join(exporters),
        "OTEL_EXPORTER_OTLP_ENDPOINT": _endpoint(args.otlp) if args.otlp else None,
        "OTELIER_TRACE_FILE": str(Path(args.file).absolute()) if args.file else None,
        "OTELIER_TREE_MESSAGES": "true" if args.messages else None,
        CAPTURE_ENV: args.capture,
        "OTEL_SERVICE_NAME": args.service,
    }
    only_read = settings.is_url(given.get("OTELIER_STORE", "")) and not args.store
    if STORE_EXPORTER in exporters and not only_read:
        # Wherever the program's processes may be, and whosever home they have.
        options["OTELIER_STORE"] = str(settings.store_file(_named(given, args)).absolute())
    return {
        **{name: value for name, value in defaults.items() if not given.get(name)},
        **{name: value for name, value in options.items() if value},
    }


def _named(given: Mapping[str, str], args: argparse.Namespace) -> str:
    """The store that the user wants to be written; empty for the default one."""
    named = str(args.store or given.get("OTELIER_STORE", "")).strip()
    return "" if settings.is_url(named) else named


def _exporters(given: Mapping[str, str], args: argparse.Namespace, to_backend: bool) -> list[str]:
    """What the user's variable names and the options ask for; else tree, store and backend."""
    names = settings.traces_exporters(given)
    if not names:
        wanted = {
            _TREE: not args.no_tree,
            STORE_EXPORTER: True,
            FILE_EXPORTER: args.file or given.get("OTELIER_TRACE_FILE"),
            "otlp": to_backend,
        }
        return [name for name, is_wanted in wanted.items() if is_wanted]
    asked = {
        _TREE: args.messages,
        STORE_EXPORTER: args.store or args.ui,
        FILE_EXPORTER: args.file,
        "otlp": args.otlp,
    }
    kept = [name for name in names if name != "none"]
    return [*kept, *(name for name in asked if asked[name] and name not in kept)] or ["none"]


def _of_events(exporters: Sequence[str], to_backend: bool) -> Iterator[str]:
    """Where events go, such as evaluations: into the store with their spans, and to the backend."""
    if STORE_EXPORTER in exporters:
        yield STORE_EXPORTER
    if to_backend:
        yield "otlp"


def _endpoint(url: str) -> str:
    """The base URL, for what people write."""
    url = url if "://" in url else f"http://{url}"
    return url.rstrip("/").removesuffix("/v1/traces")


def _protocol(url: str) -> str:
    try:
        port = urlsplit(_endpoint(url)).port
    except ValueError:
        port = None
    return "grpc" if port == _OTLP_PORT_GRPC else "http/protobuf"


def service_name(command: Sequence[str]) -> str:
    """A name for the program: its script, its module, or the command itself."""
    for index, word in enumerate(command):
        if word == "-m" and index + 1 < len(command):
            return command[index + 1]
        if word.endswith(".py"):
            return Path(word).stem
    return Path(command[0]).name
