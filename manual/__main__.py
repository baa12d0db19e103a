"""``python -m manual [name …]``: run these pages, or all; what failed is told."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from manual import places
from manual.blocks import Page, pages
from manual.running import run


def told(page: Page) -> str:
    """Run a page; what went wrong."""
    try:
        run(page)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return ""


def main(names: list[str]) -> int:
    """The number of pages that failed."""
    wanted = [each for each in pages() if not names or any(each.name.startswith(n) for n in names)]
    wanted = [each for each in wanted if each.runs]
    for place in dict.fromkeys(each.meta.get("place", "main") for each in wanted):
        places.python(place)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        found = list(zip(wanted, workers.map(told, wanted), strict=True))
    for page, problem in found:
        print(f"{'failed' if problem else 'ok    '} {page.name}" + f"\n{problem}" * bool(problem))
    failed = sum(bool(problem) for _, problem in found)
    print(f"{len(found) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
