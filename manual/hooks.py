"""What mkdocs calls while it builds the site (``hooks`` in ``mkdocs.yml``).

``<!-- facts -->``, ``<!-- not seen -->``, ``<!-- picture -->`` or ``<!-- made: NAME -->`` stand on
a page where generated text belongs. A library or framework without a page ends the build.
"""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any, Final

# mkdocs loads this file by its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mkdocs.structure.files import File, Files

from manual import facts, reference
from manual.blocks import DOCS, read
from manual.running import PICTURES

# What is told here ends a strict build.
LOG: Final = logging.getLogger("mkdocs.hooks.otelier")
_MARK: Final = re.compile(r"^<!-- (facts|not seen|picture|made: [\w ]+) -->$", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"^ *<!-- run: .*? -->\n", re.MULTILINE)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Pictures and generated pages join the files; what lacks a page is told."""
    for name in without_page():
        LOG.warning("no page of %s: none has `library: %s` in its front matter", name, name)
    for path in sorted(PICTURES.rglob("*.svg")):
        name = path.relative_to(PICTURES).as_posix()
        files.append(File.generated(config, f"traces/{name}", content=path.read_text("utf-8")))
    return files


def without_page() -> list[str]:
    """Libraries and frameworks that no page is of."""
    found = []
    for folder, table in facts.FOLDERS.items():
        metas = [read(path).meta for path in (DOCS / folder).glob("*.md")]
        told = {name for meta in metas for name in (meta.get("library"), *meta.get("also", ()))}
        found += [name for name in dict.fromkeys(row.name for row in table) if name not in told]
    return found


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put what is generated where the page has its mark."""
    plain = _DIRECTIVE.sub("", markdown)
    return _MARK.sub(lambda match: made(match[1], page), plain)


def made(mark: str, page: Any) -> str:
    """The text for a mark."""
    if mark == "facts":
        return facts.facts(page.meta)
    if mark == "not seen":
        return facts.not_seen(page.meta)
    if mark == "picture":
        return picture(page)
    return reference.made(mark.removeprefix("made: "))


def picture(page: Any) -> str:
    """The picture of what the page's program did."""
    name = page.file.src_uri.removesuffix(".md")
    if not (PICTURES / f"{name}.svg").exists():
        LOG.warning("%s has no picture: it was not run (python -m manual %s)", name, name)
        return ""
    up = "../" * name.count("/")
    return f"![The trace of this program: its steps as a tree]({up}traces/{name}.svg)"
