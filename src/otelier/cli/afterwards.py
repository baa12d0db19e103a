"""The last line of ``otelier run``: what was seen, or that nothing was, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otelier.cli.interpreters import WRAPPERS, install
from otelier.cli.seen import Seen
from otelier.version import SITE


@dataclass(slots=True)
class Reports:
    """What the Python processes of a program told of themselves."""

    told: list[Mapping[str, Any]] = field(default_factory=list)
    # Pythons without otelier, in the order in which they were started.
    without: list[str] = field(default_factory=list)

    def names(self, key: str) -> list[str]:
        """The names that any process has under ``key``."""
        return sorted({str(name) for each in self.told for name in each.get(key) or ()})


def read(folder: Path) -> Reports:
    """All reports of a folder; what cannot be read, and what wrappers told, is left out."""
    reports = Reports()
    for path in sorted(folder.iterdir(), key=_time):
        try:
            text = path.read_text()
            if path.suffix == ".json":
                told = json.loads(text)
                if not _is_wrapper(told.get("program")):
                    reports.told.append(told)
            elif path.suffix == ".without":
                python, program, *_ = text.split("\n")
                if python and not _is_wrapper(program):
                    reports.without.append(python)
        except (OSError, ValueError, AttributeError):
            continue
    return reports


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_wrapper(program: object) -> bool:
    """Whether a program is there to start another one, which is the one that counts."""
    return Path(str(program)).stem.lower() in WRAPPERS


def line(
    seen: Seen, reports: Reports, destination: str, environ: Mapping[str, str], status: int
) -> str:
    """The line. ``destination``: where spans went, as the user may use it."""
    if seen.much:
        return f"{seen.much} -> {destination}"
    if not seen.traces and not seen.calls:
        if seen.lost:
            return f"{_many(seen.lost, 'span')} could not be kept in {destination}"
        return f"nothing was seen: {why(reports, environ, status)}"
    parts = [_many(seen.traces, "trace")]
    if seen.calls:
        parts.append(_many(seen.calls, "model call"))
    if seen.errors:
        parts.append(_many(seen.errors, "error"))
    if seen.cost is not None:
        from otelier.viewer.text import dollars

        parts.append(dollars(seen.cost, bool(seen.partial or seen.unpriced)))
    if seen.lost:
        parts.append(f"{_many(seen.lost, 'span')} lost")
    if seen.calls:
        return f"{', '.join(parts)} -> {destination}"
    reason = why(reports, environ, status)
    return f"{', '.join(parts)} -> {destination}; no model call was seen: {reason}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def why(reports: Reports, environ: Mapping[str, str], status: int) -> str:
    """Why there is nothing: the first reason that holds."""
    return next(reason for reason in _reasons(reports, environ, status) if reason)


def _reasons(reports: Reports, environ: Mapping[str, str], status: int) -> Iterator[str]:
    yield _switched_off(environ)
    told = reports.told
    if not told and reports.without:
        yield _without(reports.without)
    if not told:
        yield (
            "no Python that loads otelier was started. One is not reached through sudo, env -i or "
            "tox, nor with the options -I, -E or -S; put `otelier run` directly before it."
        )
    if all(each.get("started") is False for each in told if each.get("ended")):
        yield _not_started(told)
    hooked = reports.names("hooked")
    if failed := reports.names("failed"):
        yield f"no seam that otelier knows in {_list(failed)}; `otelier doctor -v` says which."
    if disabled := reports.names("disabled"):
        yield f"{_list(disabled)} {_is(disabled)} disabled by a setting."
    if others := reports.names("others"):
        yield f"{_list(others)} instruments the library already; disable one of the two."
    if hooked:
        sampler = environ.get("OTEL_TRACES_SAMPLER", "")
        dropped = f", or {sampler} dropped it" if sampler else ""
        why = f"no call ended{dropped}{_cut(told, status)}"
        yield f"{_list(hooked)} {_is(hooked)} hooked, but {why}."
    if not any(each.get("ended") for each in told):
        yield f"no process told what it imported{_cut(told, status)}."
    yield from _imported(reports)


def _not_started(told: Sequence[Mapping[str, Any]]) -> str:
    if not any(each.get("ended") for each in told):
        return ""
    return (
        "otelier did not start: OTEL_PYTHON_DISABLED_INSTRUMENTATIONS has it or *, or it is in "
        f"{told[-1].get('python')} without being installed there."
    )


def _imported(reports: Reports) -> Iterator[str]:
    if reports.without:
        yield f"no SDK that otelier knows was imported, and {_without(reports.without)}"
    if unsupported := reports.names("unsupported"):
        yield (
            f"{_list(unsupported)} {_is(unsupported)} not supported; {SITE} has the list of "
            "libraries, and how a call of your own is declared."
        )
    if http := reports.names("http"):
        yield (
            "no SDK that otelier knows was imported; OTELIER_HTTP=true sees calls that are made "
            f"by {_list(http)}."
        )
    yield "no SDK that otelier knows was imported; `otelier doctor` lists them."


def _switched_off(environ: Mapping[str, str]) -> str:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "OTEL_SDK_DISABLED=true."
    if environ.get("OTEL_TRACES_SAMPLER", "").strip().endswith("always_off"):
        return "OTEL_TRACES_SAMPLER drops every span."
    if environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return "OTEL_TRACES_EXPORTER=none."
    return ""


def _without(pythons: Sequence[str]) -> str:
    python = pythons[-1]
    return f"{python} has no otelier; {install(python)}"


def _cut(told: Sequence[Mapping[str, Any]], status: int) -> str:
    """How the end may have taken something along."""
    if status < 0:
        import signal

        try:
            return f", and {signal.Signals(-status).name} ended the program"
        except ValueError:
            return f", and signal {-status} ended the program"
    if not all(each.get("ended") for each in told):
        return ", and a process left without its end (os._exit, a signal, or it still runs)"
    return ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
