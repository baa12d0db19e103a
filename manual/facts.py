"""What a page says that the tables of the code know: versions, switches, what is not seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from manual.blocks import DOCS
from otelier.hooks import unseen
from otelier.hooks.table import FRAMEWORKS, LIBRARIES, Library
from tests.framework_rows import PINS, ordered

FOLDERS: Final = {"libraries": LIBRARIES, "frameworks": FRAMEWORKS}
_ROW: Final = re.compile(
    r"^\| (?P<name>[\w-]+) \| (?P<versions>[^|]+) \| (?P<result>[^|]+) \|$", re.M
)


def rows(name: str) -> list[Library]:
    """The hooks of a library or a framework, by its name in the table."""
    return [row for table in FOLDERS.values() for row in table if row.name == name]


def distributions(name: str) -> list[str]:
    """What a library's hooks are hooks of."""
    return list(dict.fromkeys(row.distribution for row in rows(name)))


def tested() -> dict[str, tuple[str, str]]:
    """Of each distribution the versions that were tested, and the result."""
    found = {}
    for folder in FOLDERS:
        for match in _ROW.finditer((DOCS / folder / "index.md").read_text("utf-8")):
            found[match["name"]] = (match["versions"].strip(), match["result"].strip())
    return found


def _range(versions: str) -> str:
    numbers = versions.split(", ")
    return numbers[0] if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def pinned(distribution: str, rows: str) -> str:
    """The versions with which the rows of a framework are run, oldest first, by their pins."""
    pins = (path.read_text("utf-8") for path in PINS.glob(f"{rows}*.txt"))
    found = {each for text in pins for each in re.findall(rf"^{distribution}==(\S+)", text, re.M)}
    if not found:
        raise LookupError(f"no pins of {distribution}")
    return ", ".join(sorted(found, key=ordered))


def facts(meta: dict[str, Any]) -> str:
    """The table at the head of a page."""
    lines = ["| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in _facts(meta)]
    return "\n".join(lines)


def _facts(meta: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = str(meta["library"])
    if "pinned" in meta:
        versions = {each: pinned(each, name) for each in meta["pinned"]}
    else:
        known, also = tested(), [str(each) for each in meta.get("distributions", ())]
        versions = {each: known[each][0] for each in (*distributions(name), *also) if each in known}
    if versions:
        told = (f"`{each}` {_range(numbers)}" for each, numbers in versions.items())
        yield "Oldest and newest version that was tested", ", ".join(told)
    yield "Leave it alone", f"`OTELIER_DISABLED={meta.get('disabled', name)}`"
    if meta.get("vendor"):
        yield "The vendor's documents", ", ".join(f"<{each}>" for each in meta["vendor"])


def not_seen(meta: dict[str, Any]) -> str:
    """What is not seen, as rows of the table that doctor reads."""
    found = [row for each in distributions(str(meta["library"])) for row in unseen.of(each)]
    if not found:
        return "Nothing is known to be left out."
    lines = ["| Not seen | Why |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{row.what}` | {row.why} |" for row in found)])
