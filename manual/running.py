"""Running a page: what its last trace is, as text, as a picture, and its spans as examples."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from manual.blocks import ROOT, Page
from manual.stage import PageError, Stage, answers, clean, staged

MADE: Final = ROOT / ".cache" / "manual"
PICTURES: Final = MADE / "pictures"
SPANS: Final = MADE / "spans"
_WIDTH: Final = 96


def run(page: Page) -> None:
    """Run a page; keep its picture and its spans. Raises :class:`PageError`."""
    folder = clean(MADE / "stages" / page.name.replace("/", "_"))
    above = [each for each in page.runs if each.line < page.picture]
    told = answers(page)
    with staged(page, folder) as stage:
        stage.run(above)
        if told is not None and above:
            _picture(page, stage)
        stage.run(page.runs[len(above) :])
        if told is None:
            return
        tree = getattr(told, "TREE", None)
        if tree is not None:
            _compare(page, tree, outline(stage.ask("trace", "--last", "9", COLUMNS="200")))
        _write(SPANS / f"{page.name}.jsonl", stage.ask("export"))


def _picture(page: Page, stage: Stage) -> None:
    look = {"COLUMNS": str(_WIDTH), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    colored = stage.ask("trace", "--last", "9", **look)
    title = next((each.title for each in page.blocks if each.title.endswith(".py")), page.name)
    _write(PICTURES / f"{page.name}.svg", picture(colored, title))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def outline(tree: str) -> str:
    """A tree without what differs from run to run: branches and names."""
    found = []
    for line in tree.splitlines():
        plain = re.match(r"^((?:[│ ]  )*(?:[├└]─ )?)(\S.*)$", line)
        told = plain and re.search(r" · [\d.]+ m?s\b", line)
        if plain and told and not line.startswith("total"):
            found.append(line[: told.start()].split(" · ")[0].rstrip())
    return "\n".join(found)


def _compare(page: Page, wanted: str, found: str) -> None:
    if wanted.strip() != found.strip():
        raise PageError(f"{page.name}: its trace is\n{found}\nand should be\n{wanted}")


def examples(folder: Path = SPANS) -> list[dict[str, Any]]:
    """The spans of all pages that were run, as OTLP JSON."""
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            for resource in json.loads(line).get("resourceSpans", ()):
                for scope in resource.get("scopeSpans", ()):
                    found += scope.get("spans", ())
    return found


def picture(colored: str, title: str) -> str:
    """What a terminal shows, as SVG that loads nothing."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(width=_WIDTH, record=True, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(colored.strip("\n")), soft_wrap=False)
    drawn = console.export_svg(title=title, unique_id="shown-" + re.sub(r"\W+", "-", title))
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
