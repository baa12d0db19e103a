"""How long ``otelier ui`` takes for each of its pages, over a real socket."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.store.asking import Timing, timed
from otelier.questions.asking import ask
from otelier.questions.table import BY_NAME
from otelier.store.opening import opened
from otelier.web.pages.rendering import NAVIGATION
from tests.web.receiving import running

# What is asked for beside the pages of the navigation as they come.
_MORE: Final = ("/costs?by=user&since=7d", "/search?text=parcel")


def everything(store: Path) -> Iterator[Timing]:
    """A timing for each page; ``rows`` are bytes."""
    words = ("ui", "--store", str(store), "--no-open")
    with running(store, *words) as shown:
        plain = {path: path for path in (*(path for path, _ in NAVIGATION), *_MORE)}
        for name, path in {**plain, **_newest(store)}.items():
            yield timed(name, lambda path=path: _asked(shown.url, path))  # type: ignore[misc]


def _asked(url: str, path: str) -> Sequence[Any]:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
        connection.request("GET", path, headers={"Accept": "text/html"})
        answer = connection.getresponse()
        body = answer.read()
    assert answer.status == 200, (path, answer.status)
    return body


def _newest(store: Path) -> dict[str, str]:
    """Pages of the newest trace."""
    engine = opened(str(store))
    try:
        (trace,) = ask(BY_NAME["traces"], engine, limit=1)
    finally:
        engine.close()
    found = {"/traces/…": f"/traces/{trace.trace_id}", "/rows/…": f"/rows/{trace.trace_id}"}
    return {**found, "/sessions/…": f"/sessions/{trace.session}"} if trace.session else found
