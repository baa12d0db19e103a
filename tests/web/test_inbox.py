"""What requests bring at the same time is stored together, and refused one by one."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from otelier.store.opening import opened
from otelier.store.writer import Writer
from otelier.web.inbox import Inbox
from otelier.web.refusing import RefusedError

from .calls import span


def kept(path: Path, *requests: Any) -> tuple[list[int | None], list[str]]:
    """Bring requests of spans at once: the status with which each is refused, and what was said."""
    said: list[str] = []

    async def bring(inbox: Inbox, spans: Any) -> int | None:
        try:
            await inbox.keep(spans)
        except RefusedError as refused:
            return refused.status
        return None

    async def all_of_them() -> list[int | None]:
        inbox = Inbox(Writer(path, 0.1), said.append)
        found = await asyncio.gather(*(bring(inbox, spans) for spans in requests))
        await inbox.close()
        return found

    return asyncio.run(all_of_them()), said


def stored(path: Path) -> int:
    with closing(opened(str(path))) as engine:
        return int(engine.ask("SELECT count(*) FROM otelier.spans").rows[0][0])


def test_what_cannot_be_stored_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    wrong: Any = object()
    bad = replace(span(1000, "bad"), name=wrong)
    requests = [[span(number, "good")] for number in range(1, 40)]
    found, said = kept(path, *requests[:20], [bad], *requests[20:])
    assert [status for status in found if status] == [500] and found[20] == 500
    assert stored(path) == 39
    assert "could not be stored" in said[0]


def test_one_large_request(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    found, said = kept(path, [span(number, "one of many") for number in range(1, 3501)], [])
    assert (found, said) == ([None, None], [])
    assert stored(path) == 3500


def test_a_store_that_cannot_be_written_refuses_all(tmp_path: Path) -> None:
    found, said = kept(tmp_path, *([span(number, "nowhere")] for number in range(1, 20)))
    assert set(found) == {503}
    assert len(said) == 1
