"""A store that cannot be written: programs are told to come again, and come again."""

from __future__ import annotations

import resource
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from otelier.cli.main import main
from tests.store.spans import everything

from .receiving import JSON, PROTOBUF, Running, bringing, receiving


@contextmanager
def locked(store: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else writes into it, and is not done."""
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def said(server: Running) -> str:
    """The next line of the terminal."""
    assert server.process.stderr is not None
    return server.process.stderr.readline()


def test_an_exporter_delivers_when_the_lock_is_gone(tmp_path: Path) -> None:
    with receiving(tmp_path / "traces.db") as server, locked(server.store) as other:
        exporter = OTLPSpanExporter(f"{server.url}/v1/traces", timeout=30)
        with ThreadPoolExecutor(3) as pool:
            export = pool.submit(exporter.export, everything())
            by_hand = pool.submit(server.post, "/v1/traces", b"", PROTOBUF)
            # What brings nothing waits for nobody.
            assert by_hand.result().status == 200
            json = pool.submit(server.post, "/v1/traces", bringing("in JSON"), JSON)
            assert "could not be stored: another process holds it" in said(server)
            answer = json.result()
            assert answer.status == 503 and int(answer.headers["retry-after"]) > 0
            assert answer.json["code"] == 14 and "holds it" in answer.json["message"]
            other.execute("ROLLBACK")
            assert export.result() is SpanExportResult.SUCCESS
        assert said(server) == "otelier receive: what is received is stored again\n"
        assert len(server.spans()) == len(everything())


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process")
def test_a_full_disk_refuses_until_there_is_room(tmp_path: Path) -> None:
    large = bringing("large", text="".join(map(str, range(300_000))))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = tmp_path / "traces.db"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))

    with receiving(store, before=little_room) as server:
        for _ in range(2):
            answer = server.post("/v1/traces", large)
            assert answer.status == 503, answer
        assert "could not be stored" in said(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert server.post("/v1/traces", large).status == 200
        assert server.spans() == ["large"]
        # Each trouble is told once, and that it is over.
        assert server.end() == (0, "otelier receive: what is received is stored again\n")


def test_a_store_that_is_deleted_while_it_runs(tmp_path: Path) -> None:
    """What is answered with 200 is in the file that is there."""
    with receiving(tmp_path / "traces.db") as server:
        assert server.post("/v1/traces", bringing("before", trace=1)).status == 200
        for path in tmp_path.iterdir():
            path.unlink()
        assert server.post("/v1/traces", bringing("after", trace=2)).status == 200
        assert server.spans() == ["after"]
        server.store.rename(tmp_path / "kept.db")
        assert server.post("/v1/traces", bringing("later", trace=3)).status == 200
        assert server.spans() == ["later"]
        assert server.end() == (0, "")


def test_a_store_that_is_damaged_while_it_runs(tmp_path: Path) -> None:
    with receiving(tmp_path / "traces.db") as server:
        assert server.post("/v1/traces", bringing("before", trace=1)).status == 200
        for beside in ("traces.db-wal", "traces.db-shm"):
            (tmp_path / beside).write_bytes(b"?" * 100_000)
        server.store.write_bytes(b"no database at all " * 10_000)
        answer = server.post("/v1/traces", bringing("after", trace=2))
        assert answer.status == 503, answer
        assert "Traceback" not in server.end()[1]


@pytest.mark.parametrize("what", ["folder", "text", "other", "below a file"])
def test_what_is_no_store_is_one_line(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store"
    if what == "folder":
        path.mkdir()
    elif what == "text":
        path.write_text("a letter to a friend, long enough to be looked at " * 100)
    elif what == "other":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine (x)")
    else:
        path.write_text("")
        path /= "below"
    before = path.read_bytes() if path.is_file() else b""
    assert main(["receive", "--store", str(path), "--port", "0"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"otelier receive: {path}: ") and error.count("\n") == 1
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("where", ["clickhouse://user:secret@host/db", "http://host/db"])
def test_a_store_that_is_no_file(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receive", "--store", where]) == 2
    error = capsys.readouterr().err
    assert where.partition(":")[0] in error and "secret" not in error


def test_without_the_packages_one_line_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2] / "src")])
    monkeypatch.delitem(sys.modules, "uvicorn", raising=False)
    assert main(["receive", "--store", str(tmp_path / "x.db")]) == 2
    error = capsys.readouterr().err
    assert error == "otelier receive needs packages: pip install 'otelier[ui]'\n"
    assert list(tmp_path.iterdir()) == []
