"""Results as Markdown, in a document between two marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

README: Final = Path(__file__).with_name("README.md")


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def milliseconds(seconds: float) -> str:
    """With two digits that say something."""
    value = seconds * 1000
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def replace(document: Path, mark: str, text: str) -> None:
    """Put a text between ``<!-- mark -->`` and ``<!-- end of mark -->``; at the end without."""
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    whole = document.read_text("utf-8") if document.exists() else ""
    if begin not in whole:
        whole = f"{whole.rstrip()}\n\n{begin}\n{end}\n"
    before, _, rest = whole.partition(begin)
    _, _, after = rest.partition(end)
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def publish(parts: Iterable[str], mark: str, document: Path | None) -> None:
    """Print parts as they come; and put them into a document, if there is one."""
    told = []
    for part in parts:
        print(part, end="\n\n", flush=True)
        told.append(part)
    if document is not None:
        replace(document, mark, "\n\n".join(told))
