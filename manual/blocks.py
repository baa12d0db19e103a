"""The fenced blocks of a page, and what the page says of itself and of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)
# A line before a block: ``<!-- run: background -->``, ``<!-- run: no: why -->``.
_DIRECTIVE: Final = re.compile(r"<!-- run: (?P<how>[^\n]*?) -->\s*\Z")
_TITLE: Final = re.compile(r'title="([^"]+)"')
_FRONT: Final = re.compile(r"\A---\n(?P<meta>.*?)^---\n", re.DOTALL | re.MULTILINE)

PYTHON: Final = ("python", "py")
SHELL: Final = ("sh", "shell", "bash", "console")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    # The file that it is, if it says so.
    title: str
    text: str
    # What the line before says of how it is run: "", "background", "continues", "fails", "no: why".
    how: str
    line: int


@dataclass(frozen=True)
class Page:
    """A Markdown file with what stands in its front matter."""

    path: Path
    meta: dict[str, Any]
    blocks: tuple[Block, ...]
    # The line of its picture: of what ran above it.
    picture: int = 0

    @property
    def name(self) -> str:
        """As ``libraries/openai``; ``README`` for the one beside the folder."""
        below = self.path.relative_to(DOCS) if self.path.is_relative_to(DOCS) else self.path
        return str(below.with_suffix("")) if below != self.path else self.path.stem

    @property
    def runs(self) -> list[Block]:
        """What is run of it."""
        return [each for each in self.blocks if each.language in (*PYTHON, *SHELL)]


def read(path: Path) -> Page:
    """A page."""
    text = path.read_text("utf-8")
    front = _FRONT.match(text)
    meta = yaml.safe_load(front["meta"]) if front else {}
    above, mark, _ = text.partition("\n<!-- picture -->\n")
    return Page(path, meta or {}, tuple(_blocks(text)), above.count("\n") + 2 if mark else 0)


def _blocks(text: str) -> list[Block]:
    found = []
    for match in _FENCE.finditer(text):
        info = match["info"].strip()
        title = _TITLE.search(info)
        told = _DIRECTIVE.search(text[: match.start()])
        indent = len(match["indent"])
        lines = [line[min(indent, len(line)) :] for line in match["text"].splitlines()]
        found.append(
            Block(
                language=info.partition(" ")[0].strip("{}."),
                title=title[1] if title else "",
                text="\n".join(lines) + "\n",
                how=told["how"] if told else "",
                line=text.count("\n", 0, match.start()) + 1,
            )
        )
    return found


def pages() -> list[Page]:
    """README and all pages of the site."""
    return [read(path) for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))]
