"""``otelier doctor``: what is hooked, where spans go, and what is wrong, without any secret."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import urlsplit

from otelier import guard, sdk_setup, settings, spelling, urls
from otelier.cli import crossings, libraries, stores
from otelier.cli.libraries import Problem
from otelier.content import usable_mask
from otelier.hooks import registry
from otelier.prices import sources
from otelier.redaction import MARK, issuers, patterns, redacted
from otelier.setting_table import SETTINGS
from otelier.settings import Settings
from otelier.version import __version__

_HIDDEN: Final = ("HEADERS", "KEY", "TOKEN", "SECRET", "PASSWORD", "CERTIFICATE")
_CORRECT: Final = "Correct the variable, or unset it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Exit code: 0 all is in order, 1 there are problems, 2 wrong usage."
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="import the libraries that are installed, and show where they are hooked",
    )


def run(args: argparse.Namespace) -> int:
    """Print the report; the exit code is 1 when there is a problem, else 0."""
    logging.getLogger("otelier").setLevel(logging.CRITICAL)
    chosen, misread = settings.read(settings.process_environment())
    problems = [Problem(line, _CORRECT) for line in misread]
    lines: list[str] = []
    lines += _head(chosen)
    known = _known()
    problems += list(_misspelt(known))
    found = libraries.try_(chosen) if args.verbose else libraries.look(chosen)
    lines += ["", "Libraries" + ("" if args.verbose else " (-v imports them and shows where)")]
    lines += found.lines
    problems += found.problems
    lines += ["", "Traces that go on in other services"]
    named = settings.disabled_lists(settings.process_environment())[1]
    lines += [f"  {line}" for line in crossings.look(named)]
    lines += ["", "Where spans go"]
    lines += [f"  {line}" for line in _destination(known)]
    kept, store_problems = stores.told(_shown)
    lines += [f"  {line}" for line in kept]
    problems += store_problems
    problems += list(_destination_problems())
    lines += ["", "Prices"]
    told, price_problems = _prices(chosen)
    lines += [f"  {line}" for line in told]
    problems += price_problems
    if chosen.mask and not usable_mask(chosen.mask):
        problems.append(
            Problem(
                "OTELIER_MASK does not name a function: all content is left out.",
                "Set it to module:function of a module that can be imported.",
            )
        )
    problems += [
        Problem(line, "Correct the file.") for line in patterns.load(chosen.redact_patterns)[1]
    ]
    lines += ["", "Settings that are not the default"]
    lines += [f"  {line}" for line in _chosen(chosen)] or ["  none"]
    counted = guard.failures()
    if counted:
        lines += ["", "Failures of otelier's own code (they never reach the program)"]
        lines += [f"  {place}: {count}" for place, count in sorted(counted.items())]
    lines += ["", "Problems"]
    for problem in problems:
        lines += [f"  ! {problem.what}", f"    {problem.remedy}"]
    if not problems:
        lines += ["  none"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if problems else 0


def _head(chosen: Settings) -> Iterator[str]:
    sdk = libraries.installed_version("opentelemetry-sdk") or "not installed"
    yield f"otelier {__version__}, OpenTelemetry {sdk}"
    yield f"Python {sys.version.split()[0]}, {sys.executable}"
    capture = chosen.capture
    if capture.spans or capture.events:
        places = " and ".join(
            name for name, on in (("spans", capture.spans), ("events", capture.events)) if on
        )
        redacted = "secrets are redacted" if chosen.redact else "SECRETS ARE NOT REDACTED"
        yield (
            f"Content: messages, tool arguments and results ARE captured, on {places}; {redacted}."
        )
        yield f"         {settings.CAPTURE_ENV}=NO_CONTENT switches that off."
    else:
        yield f"Content: not captured ({settings.CAPTURE_ENV})."


def _known() -> frozenset[str]:
    """The variables that somebody reads: OpenTelemetry's packages tell their own."""
    known = {*settings.variables()}
    for point in entry_points(group="opentelemetry_environment_variables"):
        try:
            listed = vars(point.load()).items()
        except Exception:  # A package that is half installed.
            continue
        known |= {
            value
            for name, value in listed
            if name.lstrip("_").startswith("OTEL_") and isinstance(value, str)
        }
    return frozenset(known)


def _misspelt(known: frozenset[str]) -> Iterator[Problem]:
    """Names that nobody reads: variables beside otelier's own, and libraries in lists."""
    for line in spelling.misspelt(settings.process_environment(), known):
        yield Problem(line, _CORRECT)
    for line in registry.misspelt():
        yield Problem(line, "Correct the list; doctor shows the names under Libraries.")


def _prices(chosen: Settings) -> tuple[list[str], list[Problem]]:
    """Which price list is used, and what is wrong with it."""
    if not chosen.cost:
        return ["off: OTELIER_COST"], []
    told = [f"your own: {chosen.prices}"] if chosen.prices else []
    try:
        found, source = sources.ready() or sources.build()
    except Exception as problem:
        return told, [
            Problem(
                f"The price list cannot be read ({type(problem).__name__}): calls have no cost.",
                "Reinstall genai-prices, or report it.",
            )
        ]
    return [*told, f"genai-prices {found.version} ({source})"], []


def _destination(known: frozenset[str]) -> Iterator[str]:
    environ = settings.otel_environment()
    if not environ:
        yield "no OTEL_* variable is set: OTLP over HTTP to http://localhost:4318"
    for name in sorted(environ):
        # What is in a variable that nobody knows, nobody can tell.
        hidden = name not in known or any(word in name for word in _HIDDEN)
        yield f"{name}={'(set, not shown)' if hidden else _shown(environ[name])}"
    other = sdk_setup.other_configurator()
    yield (
        f"the OpenTelemetry SDK is set up by: {other}"
        if other
        else "the OpenTelemetry SDK is set up by: otelier, unless the program does it first"
    )


def _shown(value: str) -> str:
    """A value without userinfo and query, where it is a URL."""
    if "," in value:
        return ",".join(_shown(part) for part in value.split(","))
    if "://" not in value:
        value = value.rpartition("@")[2]
        # Where a key was put into the wrong variable, less than a whole key is too much.
        return MARK.decode() if issuers.begins(value) else redacted(value)
    try:
        parts = urls.split(value)
        port = f":{parts.port}" if parts.port else ""
        return redacted(f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}")
    except ValueError:
        return "(not a valid URL)"


def _destination_problems() -> Iterator[Problem]:
    environ = settings.otel_environment()
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield Problem("OTEL_SDK_DISABLED=true: nothing is recorded.", "Unset it.")
    exporters = {name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")}
    if exporters <= {"none", ""}:
        yield Problem(
            "OTEL_TRACES_EXPORTER=none: spans go nowhere.", "Set it to otlp, or unset it."
        )
    if environ.get("OTEL_TRACES_SAMPLER", "").endswith("always_off"):
        yield Problem("OTEL_TRACES_SAMPLER drops every span.", "Choose another sampler.")
    for name in ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"):
        if environ.get(name):
            yield Problem(
                f"{name} cuts messages in the middle of their JSON.",
                "Unset it and use OTELIER_CONTENT_MESSAGE_BYTES, which keeps the JSON valid.",
            )
    if "otlp" in exporters:
        yield from _endpoint_problems(environ)


def _endpoint_problems(environ: dict[str, str]) -> Iterator[Problem]:
    own = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    shared = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    default = "http://localhost:4317" if protocol == "grpc" else "http://localhost:4318"
    endpoint = own or shared or default
    if "://" not in endpoint:
        if protocol != "grpc":
            yield Problem(
                "The OTLP endpoint does not begin with http:// or https://: nothing is sent there.",
                "Write http://host:port.",
            )
        endpoint = f"http://{endpoint}"
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        yield Problem("The OTLP endpoint is not a valid URL.", "Correct it.")
        return
    if (port == 4317) != (protocol == "grpc") and port in (4317, 4318):
        yield Problem(
            f"Port {port} is usually not that of OTLP by {protocol}.",
            "Use 4318 for http/protobuf, 4317 with OTEL_EXPORTER_OTLP_PROTOCOL=grpc.",
        )
    try:
        with socket.create_connection((host, port), timeout=2):
            pass
    except OSError:
        yield Problem(
            f"Nothing answers at {host}:{port}, where spans are to go.",
            "Start a collector or Jaeger there, set OTEL_EXPORTER_OTLP_ENDPOINT, or use "
            "`otelier run` which needs no backend.",
        )


def _chosen(chosen: Settings) -> Iterable[str]:
    ordinary = Settings()
    for setting in SETTINGS:
        value = getattr(chosen, setting.field)
        if value != getattr(ordinary, setting.field):
            shown = _shown(value) if isinstance(value, str) else _plain(value)
            yield f"{setting.env}={shown}"


def _plain(value: object) -> str:
    if isinstance(value, frozenset):
        return ",".join(sorted(map(str, value)))
    if isinstance(value, dict):
        return ",".join(f"{key}={member}" for key, member in value.items())
    return str(getattr(value, "value", value))
