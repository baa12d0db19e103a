"""ClickHouse's engine and the collector in front of it, while a test runs."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from tests.backends.clickhouse_access import Access, statements
from tests.backends.programs import ROOT, program
from tests.backends.running import CONFIGS, OTELCOL, Otelcol, free_ports, opened, running
from tests.backends.running import collector as started

CHDB = program("chdb")
MISSING = "no collector or no chdb: make backends" if OTELCOL is None or CHDB is None else ""
HERE = CONFIGS / "clickhouse"
SERVER = ROOT / "tests" / "backends" / "clickhouse_server.py"
ACCESS = Access(HERE / "access.sql")
ACCOUNT = ("otelier", "wordpass")
Rows = list[dict[str, Any]]


class ClickHouse:
    """ClickHouse's HTTP interface."""

    def __init__(self, port: int, password: str = ACCOUNT[1]) -> None:
        self.port = port
        told = base64.b64encode(f"{ACCOUNT[0]}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {told}"}

    def ask(self, sql: str) -> Rows:
        """The rows that a query finds."""
        url = f"http://127.0.0.1:{self.port}/?default_format=JSONEachRow"
        try:
            with opened(Request(url, sql.encode(), self._headers), timeout=60) as answer:
                return [json.loads(line) for line in answer.read().splitlines()]
        except HTTPError as problem:
            raise RuntimeError(problem.read().decode()) from None

    def one(self, sql: str) -> Any:
        """The only value that a query finds."""
        ((value,),) = [row.values() for row in self.ask(sql)]
        return value

    def file(self, name: str) -> None:
        """Run a file of this configuration."""
        for statement in statements((HERE / name).read_text()):
            self.ask(statement)


@contextmanager
def server(folder: Path, role: str | None = None, port: int | None = None) -> Iterator[ClickHouse]:
    """The engine on a folder, for someone of a role, or for someone who may do everything."""
    folder.mkdir(exist_ok=True)
    port = port or free_ports(1)[0]
    config = ACCESS.write(folder, role)
    with running([CHDB, SERVER, folder, port, *ACCOUNT, config], folder, port):
        yield ClickHouse(port)


def settings(folder: Path, clickhouse: int) -> dict[str, Any]:
    """What the collector is told, so that it finds ClickHouse."""
    return {
        "QUEUE_DATA": folder / "queue",
        "CLICKHOUSE_ENDPOINT": f"http://127.0.0.1:{clickhouse}?compress=none",
        "CLICKHOUSE_USER": ACCOUNT[0],
        "CLICKHOUSE_PASSWORD": ACCOUNT[1],
    }


@contextmanager
def collector(folder: Path, clickhouse: int, **env: Any) -> Iterator[Otelcol]:
    """The collector with this configuration."""
    told = {**settings(folder, clickhouse), "FLUSH_TIMEOUT": "200ms", **env}
    with started(folder, HERE / "collector.yaml", **told) as found:
        yield found


@contextmanager
def copied(engine: ClickHouse, home: Path, folder: Path, role: str) -> Iterator[ClickHouse]:
    """A copy of what an engine has in its folder, for someone of a role."""
    engine.ask("SYSTEM STOP MERGES")
    try:
        shutil.copytree(home / "store", folder / "store", symlinks=True)
    finally:
        engine.ask("SYSTEM START MERGES")
    with server(folder, role) as found:
        yield found
