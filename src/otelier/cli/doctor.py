"""``otelier doctor``: what is hooked, where spans go, and what is wrong, without any secret."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Final
from urllib.parse import urlsplit

from otelier import guard, runtime, sdk_setup, settings
from otelier.content import usable_mask
from otelier.hooks import foreign, registry, unseen
from otelier.prices import sources
from otelier.redaction import MARK, issuers, patterns, redacted
from otelier.runtime import Runtime
from otelier.settings import Settings
from otelier.version import __version__

_HIDDEN: Final = ("HEADERS", "KEY", "TOKEN", "SECRET", "PASSWORD", "CERTIFICATE")
_FOREIGN_HINTS: Final = ("openinference", "openlit", "traceloop", "logfire", "langfuse", "mlflow")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps spans away, and what to do."""

    what: str
    remedy: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(args: argparse.Namespace) -> int:
    """Print the report; 1 when there is a problem, else 0."""
    logging.getLogger("otelier").setLevel(logging.CRITICAL)
    chosen, misread = settings.read(settings.process_environment())
    problems = [Problem(line, "Correct the variable.") for line in misread]
    lines: list[str] = []
    lines += _head(chosen)
    lines += ["", "Libraries"]
    found, library_problems = _libraries(chosen)
    lines += found
    problems += library_problems
    lines += ["", "Where spans go"]
    lines += [f"  {line}" for line in _destination()]
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
    yield f"otelier {__version__}, Python {sys.version.split()[0]}, OpenTelemetry " + _version(
        "opentelemetry-sdk"
    )
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


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _libraries(chosen: Settings) -> tuple[list[str], list[Problem]]:
    """Import what is installed and hook it, in this process only."""
    runtime.start(Runtime(chosen))
    registry.register(chosen.disabled, chosen.http)
    lines: list[str] = []
    problems: list[Problem] = []
    absent: list[str] = []
    told: list[str] = []
    for state in registry.states():
        library = state.library
        installed = _version(library.distribution)
        if installed == "not installed":
            if library.distribution not in absent:
                absent.append(library.distribution)
            continue
        title = f"  {library.distribution} {installed}"
        if state.status == "disabled":
            lines.append(f"{title}: left alone, it is disabled by a setting")
            continue
        problem = _import(library.module)
        if problem is not None and not (library.optional or library.moved):
            lines.append(f"{title}: cannot be imported")
            problems.append(Problem(f"{library.distribution}: {problem}", "Repair its install."))
            continue
        other = foreign.find(library.name)
        if other is not None:
            lines.append(f"{title}: left alone, {other} instruments it")
        elif state.status == "hooked":
            if any(line.startswith(f"{title}: hooked") for line in lines):
                lines.append(f"      and at {state.seam}")
            else:
                lines.append(f"{title}: hooked at {state.seam}")
                told.append(library.distribution)
            if state.native:
                lines.append(f"      its own telemetry: {state.native}")
        elif state.status == "failed":
            lines.append(f"{title}: NOT hooked, {state.seam} is not there")
            problems.append(
                Problem(
                    f"{library.distribution} {installed} has no seam that otelier knows.",
                    "Upgrade otelier, or use a version from the README's support table.",
                )
            )
    for other in _foreign():
        lines.append(f"  also installed: {other}")
        problems.append(
            Problem(
                f"{other} instruments GenAI libraries too; otelier leaves alone what it wraps.",
                "Uninstall it, or name it in OTEL_PYTHON_DISABLED_INSTRUMENTATIONS.",
            )
        )
    for row in (row for distribution in told for row in unseen.of(distribution)):
        lines.append(f"  not seen: {row.distribution} {row.what} ({row.why})")
    if absent:
        lines.append("  not installed: " + ", ".join(absent))
    registry.unregister()
    runtime.stop()
    return lines, problems


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


def _import(module: str) -> str | None:
    try:
        import_module(module)
    except Exception as problem:
        return f"{type(problem).__name__} on import"
    return None


def _foreign() -> Iterator[str]:
    """Distributions of other GenAI instrumentations that a loader would start."""
    seen = set()
    for point in entry_points(group="opentelemetry_instrumentor"):
        module = point.value
        name = point.dist.name if point.dist is not None else module
        other = (
            module.startswith(_FOREIGN_HINTS)
            or ".genai." in module
            or name.endswith(("-openai-v2", "-openai", "-anthropic", "-groq", "-together"))
        )
        if other and name not in seen and not name.startswith("otelier"):
            seen.add(name)
            yield name


def _destination() -> Iterator[str]:
    environ = settings.otel_environment()
    if not environ:
        yield "no OTEL_* variable is set: OTLP over HTTP to http://localhost:4318"
    for name in sorted(environ):
        hidden = any(word in name for word in _HIDDEN)
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
        parts = urlsplit(value)
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
    for setting in settings.SETTINGS:
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
