"""What doctor says of the local store: where it is, how it is; it makes none."""

from __future__ import annotations

from collections.abc import Callable

from otelier import settings
from otelier.cli.libraries import Problem
from otelier.store.health import Health, look
from otelier.viewer.text import size


def told(shown: Callable[[str], str]) -> tuple[list[str], list[Problem]]:
    """Lines for people, and what is wrong if spans are to go there. ``shown`` hides secrets."""
    path = settings.store_path()
    health = look(path)
    place = shown(str(path))
    lines = [f"the local store (`otelier run`, exporter otelier): {place}, {_state(health)}"]
    read = settings.store()
    if settings.is_url(read):
        lines.append(f"questions go to another store: {shown(read)}")
    # Where nobody asked for it, it is no problem of the program's.
    named = settings.of_exporters().store and not settings.is_url(read)
    if not health.problem or not (named or settings.stores()):
        return lines, []
    what = f"The store {place} cannot be written: {health.problem}."
    return lines, [Problem(what, "Correct that, or name another file by OTELIER_STORE.")]


def _state(health: Health) -> str:
    if health.problem:
        return f"cannot be written: {health.problem}"
    if not health.version:
        return "made with the first span"
    return f"{size(health.bytes)}, version {health.version}"
