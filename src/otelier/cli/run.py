"""``otelier run``: a program, instrumented, with its traces in the terminal and in a file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Final
from urllib.parse import urlsplit

from otelier.settings import CAPTURE_ENV

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
        "options win over them."
    )
    parser.add_argument("--otlp", metavar="URL", help="also send to this OTLP endpoint")
    parser.add_argument("--file", metavar="PATH", help=f"file for the traces ({TRACE_FILE})")
    parser.add_argument("--messages", action="store_true", help="show messages in the tree")
    parser.add_argument("--no-tree", action="store_true", help="print no tree")
    parser.add_argument(
        "--capture",
        metavar="MODE",
        help="where content goes: NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT",
    )
    parser.add_argument("--service", metavar="NAME", help="service name (the script's name)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the program and its arguments")


def run(args: argparse.Namespace) -> int:
    """Become the program; returns only if that is not possible."""
    command: list[str] = args.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        print("otelier run: no command, try: otelier run python app.py", file=sys.stderr)
        return 2
    command = resolved(command)
    if which(command[0]) is None:
        print(f"otelier run: command not found: {command[0]}", file=sys.stderr)
        return 127
    _note_other_python(command[0])
    # A launcher hands its environment on; as settings it means nothing here.
    os.environ.update(environment(os.environ, args, command))
    from opentelemetry.instrumentation.auto_instrumentation import run as instrument

    sys.argv = ["opentelemetry-instrument", *command]
    instrument()  # type: ignore[no-untyped-call,unused-ignore]
    return 1


def resolved(command: Sequence[str]) -> list[str]:
    """The command with an interpreter before a bare script, and for a ``python`` that is not."""
    first = command[0]
    if first.endswith(".py") and Path(first).is_file() and not os.access(first, os.X_OK):
        return [sys.executable, *command]
    if first in ("python", "python3") and which(first) is None:
        return [sys.executable, *command[1:]]
    return list(command)


def _note_other_python(program: str) -> None:
    found = Path(which(program) or sys.executable)
    if found.name.startswith("python") and found.parent != Path(sys.executable).parent:
        note = f"{program} is {found}, but otelier is installed for {sys.executable}"
        print(f"otelier run: note: {note}", file=sys.stderr)


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
