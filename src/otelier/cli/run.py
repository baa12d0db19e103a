"""``otelier run``: a program, instrumented, with its traces in the terminal and in a file."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from shutil import which
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from otelier import setting_texts
from otelier.cli import afterwards, interpreters, launching
from otelier.settings import CAPTURE_ENV

# A folder whose ``sitecustomize`` starts otelier in every Python of the program.
BOOT: Final = str(Path(__file__).with_name("boot"))
REPORTS: Final = "_OTELIER_RUN_REPORTS"
TRACE_FILE: Final = "otelier-traces.jsonl"
_NO_BACKEND: Final = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
_OTLP_PORT_GRPC: Final = 4317
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
    parser.add_argument("--file", metavar="PATH", help=f"file for the traces ({TRACE_FILE})")
    parser.add_argument("--messages", action="store_true", help="show messages in the tree")
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
    environ = {**os.environ, **environment(os.environ, args, command)}
    try:
        program = interpreters.find(command, os.environ)
        _see_to_file(environ, named=bool(args.file or os.environ.get("OTELIER_TRACE_FILE")))
    except interpreters.RefusedError as refused:
        return _refuse(str(refused), refused.code)
    if program.note:
        _say(program.note)
    return _started(program.command, environ)


def _started(command: Sequence[str], environ: dict[str, str]) -> int:
    file = _file(environ)
    begin = afterwards.size(file) if file is not None else 0
    with TemporaryDirectory(prefix="otelier-run-", ignore_cleanup_errors=True) as folder:
        environ["PYTHONPATH"] = os.pathsep.join(
            [BOOT, *([environ["PYTHONPATH"]] if environ.get("PYTHONPATH") else [])]
        )
        environ[REPORTS] = folder
        try:
            status = launching.launch(command, environ)
        except OSError as error:
            return _refuse(
                f"{command[0]} cannot be started ({error.strerror})", interpreters.NOT_EXECUTABLE
            )
        try:
            _say(_last_line(Path(folder), file, begin, environ, status))
        except Exception as error:
            _say(f"what was seen cannot be told ({type(error).__name__})")
    return launching.end_as(status)


def _last_line(
    folder: Path, file: Path | None, begin: int, environ: Mapping[str, str], status: int
) -> str:
    reports = afterwards.read(folder)
    if file is None:
        exporters = environ.get("OTEL_TRACES_EXPORTER") or "none"
        seen = afterwards.counted(reports) or afterwards.Seen()
        return afterwards.line(seen, reports, f"to {exporters}", environ, status)
    seen = afterwards.seen_in(file, begin)
    shown = quote(_from_here(file))
    more = f"{shown} (see it with: {otelier()} view {shown})"
    return afterwards.line(seen, reports, more, environ, status)


def otelier() -> str:
    """How this command is called from here, as it may be typed."""
    beside = Path(sys.executable).with_name("otelier")
    found = which("otelier")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "otelier"
    if not beside.exists():
        return f"{quote(sys.executable)} -m otelier.cli"
    return quote(_from_here(beside))


def _from_here(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _file(environ: Mapping[str, str]) -> Path | None:
    """The file that the program's spans go to; None where they go to none of ours."""
    names = environ["OTEL_TRACES_EXPORTER"].split(",")
    if "otelier_file" not in (name.strip() for name in names):
        return None
    return Path(environ["OTELIER_TRACE_FILE"]).absolute()


def _see_to_file(environ: dict[str, str], named: bool) -> None:
    """Tell before the start that the file cannot be written. Raises RefusedError.

    A file that nobody asked for is no reason not to run the program.
    """
    file = _file(environ)
    problem = unwritable(file) if file is not None else None
    if problem is None:
        return
    if named:
        raise interpreters.RefusedError(f"cannot write traces to {file}: {problem}")
    names = environ["OTEL_TRACES_EXPORTER"].split(",")
    rest = [name for name in names if name.strip() != "otelier_file"]
    environ["OTEL_TRACES_EXPORTER"] = ",".join(rest) or "none"
    _say(f"cannot write traces to {file}: {problem}; they are in no file, --file names another")


def unwritable(path: Path) -> str | None:
    """Why spans cannot be appended to a file; None where they can. Nothing is left changed."""
    try:
        if path.is_dir():
            return "it is a folder"
        if path.exists():
            if path.is_file():
                path.open("ab").close()
            return None if os.access(path, os.W_OK) else os.strerror(errno.EACCES)
        if path.parent.is_dir():
            # No rule says it but the file system itself.
            path.open("xb").close()
            path.unlink()
            return None
    except OSError as error:
        return error.strerror or str(error)
    # The exporter makes the folders that are missing.
    above = next((folder for folder in path.parents if folder.exists()), Path("/"))
    if not above.is_dir():
        return f"{above} is no folder"
    if not os.access(above, os.W_OK | os.X_OK):
        return f"{above} cannot be written to"
    return None


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
    defaults = {
        **_FLUSH,
        **({} if to_backend else _NO_BACKEND),
        "OTELIER_TRACE_FILE": str(Path(TRACE_FILE).absolute()),
        "OTELIER_THREADS": "true",
    }
    if "service.name=" not in given.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        defaults["OTEL_SERVICE_NAME"] = service_name(command)
    if to_backend:
        endpoint = args.otlp or given["OTEL_EXPORTER_OTLP_ENDPOINT"]
        defaults["OTEL_EXPORTER_OTLP_PROTOCOL"] = _protocol(endpoint)
    options = {
        "OTEL_TRACES_EXPORTER": ",".join(_exporters(given, args, to_backend)),
        "OTEL_EXPORTER_OTLP_ENDPOINT": _endpoint(args.otlp) if args.otlp else None,
        "OTELIER_TRACE_FILE": str(Path(args.file).absolute()) if args.file else None,
        "OTELIER_TREE_MESSAGES": "true" if args.messages else None,
        CAPTURE_ENV: args.capture,
        "OTEL_SERVICE_NAME": args.service,
    }
    return {
        **{name: value for name, value in defaults.items() if not given.get(name)},
        **{name: value for name, value in options.items() if value},
    }


def _exporters(given: Mapping[str, str], args: argparse.Namespace, to_backend: bool) -> list[str]:
    """What the user's variable names and the options ask for; else tree, file and backend."""
    chosen = [name.strip() for name in given.get("OTEL_TRACES_EXPORTER", "").split(",")]
    names = [name for name in chosen if name]
    if not names:
        wanted = {
            "otelier_tree": not args.no_tree,
            "otelier_file": True,
            "otlp": to_backend,
        }
        return [name for name, is_wanted in wanted.items() if is_wanted]
    asked = {"otelier_tree": args.messages, "otelier_file": args.file, "otlp": args.otlp}
    kept = [name for name in names if name != "none"]
    return [*kept, *(name for name in asked if asked[name] and name not in kept)] or ["none"]


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
