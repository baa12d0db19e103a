"""Starts the other OpenTelemetry instrumentations that are installed, in code.

Opt-in (``instrument(services=True)``, ``OTELIER_SERVICES``): what ``opentelemetry-instrument`` and
``otelier run`` do anyway. HTTP servers and clients, queues and databases get their spans, and a
trace goes on in the service or the worker that is asked. Each is found by its entry point. Passed
by are those whose library is not installed, those that run already, and those of model SDKs and
agent frameworks, which are otelier's own part.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from otelier import guard
from otelier.hooks.table import FRAMEWORKS, LIBRARIES

_GROUP: Final = "opentelemetry_instrumentor"
# Instrumentations of GenAI libraries, by the beginning of their modules.
_FOREIGN: Final = ("openinference", "openlit", "traceloop", "logfire", "langfuse", "mlflow")
# AWS's clients are for much else than models: there otelier enriches their spans.
_SHARED: Final = frozenset({"botocore", "aiobotocore"})
_PROVIDERS: Final = ("tracer_provider", "meter_provider")
# Classes that an instrumentation replaces: what was made of them before, is not seen. Not where the
# library has a part that sees requests itself.
_REPLACED: Final = (
    ("fastapi", "FastAPI", "fastapi.telemetry"),
    ("flask", "Flask", None),
    ("starlette.applications", "Starlette", None),
)
# Where modules are that are none of the program's own.
_INSTALLED: Final = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))

_started: Final[list[Any]] = []


def start(disabled: Collection[str], providers: Mapping[str, Any]) -> None:
    """Start each one that does not run yet. Never raises."""
    given = {name: providers[name] for name in _PROVIDERS if name in providers}
    before = [(*row, _named(*row[:2])) for row in _REPLACED]
    for point in _wanted(disabled):
        try:
            _start(point, given)
        except Exception as problem:
            guard.failed("services.start")
            guard.say_once(
                f"service {point.name}",
                "the instrumentation of %s cannot be started (%s)",
                point.name,
                type(problem).__name__,
            )
    try:
        for module, name, itself, kind in before:
            replaced = kind is not None and kind is not _named(module, name)
            if replaced and itself not in sys.modules and _in_use(kind):
                guard.say_once(
                    f"service {name}",
                    "%s was imported before otelier.instrument(services=True): requests to its "
                    "apps begin traces of their own. Call instrument() first",
                    name,
                )
    except Exception:
        guard.failed("services.before")


def _named(module: str, name: str) -> Any:
    """A class of a module, if that is imported."""
    return getattr(sys.modules.get(module), name, None)


def _in_use(kind: Any) -> bool:
    """Whether a module of the program's own has this class, or an instance of it."""
    for name, module in list(sys.modules.items()):
        members = getattr(module, "__dict__", None)
        if type(members) is not dict or not (name == "__main__" or _is_own(members)):
            continue
        if any(each is kind or type(each) is kind for each in list(members.values())):
            return True
    return False


def _is_own(members: dict[str, Any]) -> bool:
    file = members.get("__file__")
    return type(file) is str and not any(place in file for place in _INSTALLED)


def stop() -> None:
    """Take those back that were started here."""
    while _started:
        try:
            _started.pop().uninstrument()
        except Exception:
            guard.failed("services.stop")


def ours() -> frozenset[str]:
    """Names of what otelier has hooks of its own for."""
    names = {name for row in (*LIBRARIES, *FRAMEWORKS) for name in (row.name, row.distribution)}
    return frozenset(names) - _SHARED


def of_genai(module: str) -> bool:
    """Whether an instrumentation's module is one for GenAI libraries."""
    return module.startswith(_FOREIGN) or ".genai." in module


def _wanted(disabled: Collection[str]) -> Iterator[EntryPoint]:
    if "*" in disabled:
        return
    left_out = ours().union(disabled, {"otelier"})
    for point in entry_points(group=_GROUP):
        if point.name not in left_out and not of_genai(point.value):
            yield point


def _start(point: EntryPoint, given: dict[str, Any]) -> None:
    from opentelemetry.instrumentation.dependencies import DependencyConflictError

    try:
        instrumentor: Any = point.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            return
        instrumentor.instrument(raise_exception_on_conflict=True, **given)
    except ModuleNotFoundError:
        # Its library is not installed.
        return
    except DependencyConflictError as problem:
        conflict = problem.conflict
        if getattr(conflict, "found", None) or getattr(conflict, "found_any", None):
            guard.say_once(f"service {point.name}", "%s is not started: %s", point.name, conflict)
        return
    _started.append(instrumentor)
