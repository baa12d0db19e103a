"""What is sent is stored while all else waits: pages may be slow, and many."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx

from otelier.store.writer import Writer
from otelier.web.app import application
from otelier.web.guarding import Door

from .receiving import bringing
from .test_inbox import stored

# More than there are threads that all share.
MANY = 64


def test_spans_are_stored_while_every_thread_makes_a_page(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    made = threading.Event()

    async def sent() -> int:
        app = application(Writer(path), Door(None, True), print)
        pages = [asyncio.create_task(asyncio.to_thread(made.wait)) for _ in range(MANY)]
        # All of them have begun, or wait for a thread.
        await asyncio.sleep(0)
        try:
            async with (
                asyncio.timeout(30),
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app), base_url="http://localhost"
                ) as client,
            ):
                return (await client.post("/v1/traces", json=bringing("sent"))).status_code
        finally:
            made.set()
            await asyncio.gather(*pages)

    assert asyncio.run(sent()) == 200
    assert stored(path) == 1
