"""Doctor's part about libraries: by versions and files, or by importing and hooking them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pkgutil import get_importer

from otelier import runtime, services, settings
from otelier.hooks import foreign, registry, unseen
from otelier.hooks.table import EXPORTERS, FRAMEWORKS, HTTP, LIBRARIES, Library
from otelier.runtime import Runtime
from otelier.settings import Settings
from otelier.version import SITE

# Names under which instrumentations of models are loaded that otelier has no hook of.
_ALSO = frozenset(
    (
        *("alephalpha", "google_generativeai", "llamaindex", "replicate", "sagemaker"),
        *("transformers", "vertexai", "voyageai", "watsonx"),
    )
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps spans away, and what to do."""

    what: str
    remedy: str


@dataclass(slots=True)
class Report:
    """Lines to print, and what is wrong."""

    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    # Distributions that are hooked.
    hooked: list[str] = field(default_factory=list)

    def no_seam(self, title: str, distribution: str, seam: str) -> None:
        """Note a version that otelier does not know."""
        self.lines.append(f"{title}: NOT hooked, {seam} is not there")
        self.problems.append(
            Problem(
                f"{title.strip()} has no seam that otelier knows.",
                f"Upgrade otelier, or use a version that was tested: {SITE}libraries/",
            )
        )


def look(chosen: Settings) -> Report:
    """What is installed, by its version and its files. No library is imported."""
    report = Report()
    rows: dict[str, list[Library]] = {}
    for library in (*LIBRARIES, *FRAMEWORKS, *(HTTP if chosen.http else ()), *EXPORTERS):
        rows.setdefault(library.distribution, []).append(library)
    for distribution, libraries in rows.items():
        installed = installed_version(distribution)
        if installed is None:
            report.absent.append(distribution)
            continue
        title = f"  {distribution} {installed}"
        if registry.is_disabled(libraries[0], chosen.disabled):
            report.lines.append(f"{title}: left alone, it is disabled by a setting")
            continue
        missing = _missing(libraries)
        if missing is not None:
            report.no_seam(title, distribution, missing)
            continue
        report.lines.append(f"{title}: hooked when it is imported")
        report.hooked.append(distribution)
    return _finish(report)


def _missing(libraries: Iterable[Library]) -> str | None:
    """The module with a seam that is not there; None where all are that have to be."""
    moved: dict[str, bool] = {}
    for library in libraries:
        if library.optional:
            continue
        there = is_there(library.module)
        if library.moved:
            moved[library.hook] = moved.get(library.hook, False) or there
        elif not there:
            return library.module
    lost = (library.module for library in libraries if moved.get(library.hook) is False)
    return next(lost, None)


def is_there(module: str) -> bool:
    """Whether a module could be imported; nothing of it, and nothing above it, is."""
    name, *parts = module.split(".")
    try:
        spec = find_spec(name)
        places = _places(spec) if spec is not None else None
        for part in parts:
            name = f"{name}.{part}"
            specs = [
                finder.find_spec(name)  # type: ignore[call-arg]
                for finder in map(get_importer, places or ())
                if finder is not None
            ]
            places = [place for spec in specs if spec is not None for place in _places(spec)]
            if not any(specs):
                return False
    except (ImportError, ValueError, AttributeError):
        return False
    return bool(parts) or spec is not None


def _places(spec: ModuleSpec) -> list[str]:
    """Where a package's modules are."""
    return list(spec.submodule_search_locations or ())


def try_(chosen: Settings) -> Report:
    """Import what is installed and hook it, in this process only."""
    report = Report()
    runtime.start(Runtime(chosen))
    registry.register()
    for state in registry.states():
        _tried(state, report)
    registry.unregister()
    runtime.stop()
    return _finish(report)


def _tried(state: registry.State, report: Report) -> None:
    library, lines = state.library, report.lines
    installed = installed_version(library.distribution)
    if installed is None:
        if library.distribution not in report.absent:
            report.absent.append(library.distribution)
        return
    title = f"  {library.distribution} {installed}"
    if state.status == "disabled":
        line = f"{title}: left alone, it is disabled by a setting"
        if line not in lines:
            lines.append(line)
        return
    problem = _import(library.module)
    if problem is not None and not (library.optional or library.moved):
        lines.append(f"{title}: cannot be imported")
        report.problems.append(Problem(f"{library.distribution}: {problem}", "Repair its install."))
        return
    other = foreign.find(library.name)
    if other is not None:
        lines.append(f"{title}: left alone, {other} instruments it")
    elif state.status == "hooked":
        if library.distribution in report.hooked:
            lines.append(f"      and at {state.seam}")
        else:
            lines.append(f"{title}: hooked at {state.seam}")
            report.hooked.append(library.distribution)
        if state.native:
            lines.append(f"      its own telemetry: {state.native}")
    elif state.status == "failed":
        report.no_seam(title, library.distribution, state.seam)


def _finish(report: Report) -> Report:
    for other, names in _foreign():
        report.lines.append(f"  also installed: {other}")
        # otelier reads that list, too: a name that both have would switch both off.
        switch = f", or name {', '.join(names)} in OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
        report.problems.append(
            Problem(
                f"{other} instruments GenAI libraries too; otelier leaves alone what it wraps.",
                f"Uninstall it{'' if services.ours().intersection(names) else switch}.",
            )
        )
    for row in (row for distribution in report.hooked for row in unseen.of(distribution)):
        report.lines.append(f"  not seen: {row.distribution} {row.what} ({row.why})")
    if report.absent:
        report.lines.append("  not installed: " + ", ".join(report.absent))
    return report


def installed_version(distribution: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _import(module: str) -> str | None:
    try:
        import_module(module)
    except Exception as problem:
        return f"{type(problem).__name__} on import"
    return None


def _foreign() -> Iterator[tuple[str, list[str]]]:
    """Distributions of other GenAI instrumentations that a loader starts, and by what names."""
    off = settings.others_disabled()
    found: dict[str, list[str]] = {}
    for point in entry_points(group="opentelemetry_instrumentor"):
        dist = point.dist.name if point.dist is not None else point.value
        known = point.name in _ALSO or point.name in services.ours()
        if not known and not services.of_genai(point.value):
            continue
        if dist != "otelier" and off.isdisjoint((point.name, "*")):
            found.setdefault(dist, []).append(point.name)
    yield from found.items()
