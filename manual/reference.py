"""The generated parts of the reference: a function for each mark ``<!-- made: NAME -->``."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, Final

from manual import running
from manual.attributes import MEANINGS
from manual.blocks import DOCS, read
from manual.seen import SEEN
from otelier import identity, semconv
from otelier.cli import asking, main
from otelier.questions.table import QUESTIONS
from otelier.semconv import Instrument
from otelier.setting_table import SETTINGS

_LONG: Final = 72


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def settings() -> str:
    """All settings."""
    heads = ("Variable, name in code", "Values", "")
    return table(heads, ((f"`{s.env}`<br>`{s.field}`", s.values, s.help) for s in SETTINGS))


# --- attributes -----------------------------------------------------------------------------


def sections() -> dict[str, list[str]]:
    """The attributes by the sections of ``semconv.py``."""
    source = Path(str(semconv.__file__)).read_text("utf-8")
    names = {name: value for name, value in vars(semconv).items() if isinstance(value, str)}
    found: dict[str, list[str]] = {}
    section = ""
    for line in source.splitlines():
        heading = re.match(r"# --- (.*?)(?: -+)?$", line)
        section = heading[1].partition(";")[0] if heading else section
        constant = re.match(r"([A-Z_0-9]+): Final =", line)
        value = names.get(constant[1]) if constant else None
        if value in MEANINGS:
            found.setdefault(section, []).append(str(value))
    return found


def attributes() -> str:
    """Every attribute, with a value that a page's program has given."""
    seen = values()
    parts = []
    for section, names in sections().items():
        rows = ((_code(name), MEANINGS[name], _example(seen, name)) for name in names)
        heading = section[0].upper() + section[1:]
        parts.append(f"## {heading}\n\n{table(('Attribute', '', 'Example'), rows)}")
    return "\n\n".join(parts)


def _code(name: str) -> str:
    return f"`{name}<name>`" if name.endswith(".") else f"`{name}`"


def _example(seen: dict[str, str], name: str) -> str:
    if not name.endswith("."):
        return seen.get(name, "")
    known = (key for key in seen if key.startswith(name) and key not in MEANINGS)
    return "<br>".join(f"`{key.removeprefix(name)}`: {seen[key]}" for key in sorted(known)[:6])


def values() -> dict[str, str]:
    """Of each attribute a value, as pages' programs gave it."""
    found: dict[str, str] = {}
    for span in running.examples():
        for each in span["attributes"] if "attributes" in span else ():
            found.setdefault(each["key"], _shown(each["value"]))
    return found


def _shown(value: dict[str, Any]) -> str:
    (kind, told), *_ = value.items()
    text = str(told)
    if kind == "arrayValue":
        text = ", ".join(str(next(iter(each.values()))) for each in told.get("values", ()))
    if kind == "boolValue":
        text = text.lower()
    short = text if len(text) <= _LONG else text[: _LONG - 1] + "…"
    return (
        "`" + short.replace("|", "\\|").replace("`", "'").replace("\n", " ") + "`" if short else ""
    )


# --- metrics --------------------------------------------------------------------------------

_LATEST: Final = ("gen_ai.client.inference.", "gen_ai.client.embeddings.")
_RELEASED: Final = (semconv.TOKEN_USAGE, semconv.FIRST_CHUNK, semconv.PER_CHUNK)


def metrics() -> str:
    """Every metric."""
    found = [each for each in vars(semconv).values() if isinstance(each, Instrument)]
    heads = ("Metric", "Kind, unit", "", "Names")
    return table(
        heads, ((f"`{m.name}`", f"{_kind(m)}, `{m.unit}`", m.description, _of(m)) for m in found)
    )


def _kind(metric: Instrument) -> str:
    return "counter" if metric.buckets is None else "histogram"


def _of(metric: Instrument) -> str:
    if metric.name.startswith(_LATEST):
        return "main"
    return "released" if metric in _RELEASED else "both"


# --- the command line -----------------------------------------------------------------------


def commands() -> str:
    """The help of each command."""
    return "\n\n".join(chain(_commands(), _questions()))


def _commands() -> Iterator[str]:
    yield "## Commands"
    for command in main.COMMANDS:
        yield _help(command.name, import_module(command.module), command.help)


def _questions() -> Iterator[str]:
    own = {command.name for command in main.COMMANDS}
    yield "## Questions to the store"
    for question in QUESTIONS:
        if question.name not in own:
            yield _help(question.name, asking.verb(question.name), question.summary)


def _help(name: str, module: Any, told: str) -> str:
    parser = argparse.ArgumentParser(f"otelier {name}")
    module.add_arguments(parser)
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "76"
    try:
        text = parser.format_help()
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    said = told.replace("``", "`").rstrip(".")
    return f"### `{name}`\n\n{said[0].upper()}{said[1:]}.\n\n```text\n{text.strip()}\n```"


def headers() -> str:
    """The headers of answers that are recorded."""
    return table(("Header", "Attribute"), ((f"`{h}`", f"`{a}`") for h, a in identity.HEADERS))


# --- libraries ------------------------------------------------------------------------------


def libraries() -> str:
    """A row for each page of a library."""
    titles = {name: read(DOCS / "libraries" / f"{name}.md").meta["title"] for name in SEEN}
    rows = ((f"[{titles[name]}]({name}.md)", told) for name, told in SEEN.items())
    return table(("Library", "What is seen"), rows)


def providers() -> str:
    """Providers by the ends of their hosts' names."""
    hosts: dict[str, list[str]] = {}
    for host, name in identity.HOSTS:
        hosts.setdefault(name, []).append(f"`{host}`")
    return table(
        ("Name", "Host ends in"),
        ((f"`{name}`", ", ".join(ends)) for name, ends in hosts.items()),
    )


MADE: Final[dict[str, Callable[[], str]]] = {
    each.__name__: each
    for each in (attributes, commands, headers, libraries, metrics, providers, settings)
}


def made(name: str) -> str:
    """A generated part by the name in its mark."""
    return MADE[name]()
