"""``otelier ui --store clickhouse://…``: the same pages over what the collector stored."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import pytest

from otelier.questions.asking import ask
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.store.opening import opened
from otelier.viewer.text import dollars
from otelier.web.pages.rendering import NAVIGATION
from tests.backends.clickhouse_running import ACCOUNT, MISSING
from tests.backends.clickhouse_sent import sending
from tests.web.receiving import Running, bringing, running

pytest.importorskip("clickhouse_connect")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sending(tmp_path_factory.mktemp("store")) as sent:
        yield f"clickhouse://{ACCOUNT[0]}:{ACCOUNT[1]}@127.0.0.1:{sent.port}"


@pytest.fixture(scope="module")
def shown(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    words = ("ui", "--store", url, "--no-open")
    with running(tmp_path_factory.mktemp("none") / "none.db", *words) as found:
        yield found


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    found = opened(url)
    yield found
    found.close()


def _page(shown: Running, path: str) -> str:
    answer = shown.get(path, HTML)
    assert answer.status == 200, (path, answer.body[:2000])
    return html.unescape(answer.body.decode())


@pytest.mark.parametrize("path", [path for path, _ in NAVIGATION])
def test_every_page_of_the_navigation(shown: Running, path: str) -> None:
    for period in ("", "?since=all"):
        assert "That did not work" not in _page(shown, path + period)


def test_the_password_is_nowhere(shown: Running) -> None:
    assert ACCOUNT[1] not in shown.told
    assert ACCOUNT[1] not in _page(shown, "/traces")


def test_a_trace_and_its_steps(shown: Running, engine: Engine) -> None:
    for trace in ask(BY_NAME["traces"], engine, limit=5):
        assert trace.trace_id in _page(shown, "/traces")
        page = _page(shown, f"/traces/{trace.trace_id}")
        if trace.cost is not None and not trace.unpriced:
            assert dollars(trace.cost) in page
        rows = shown.get(f"/rows/{trace.trace_id}").json["rows"]
        assert len(rows) == len(engine.trace(trace.trace_id))
        for row in rows:
            assert row["id"] in _page(shown, f"/traces/{trace.trace_id}/{row['id']}")


def test_sessions_and_conversations(shown: Running, engine: Engine) -> None:
    for what in ("session", "conversation"):
        (row, *_) = ask(BY_NAME[f"{what}s"], engine, limit=1)
        assert getattr(row, what) in _page(shown, f"/{what}s/{getattr(row, what)}")


def test_nothing_is_received_for_it(shown: Running) -> None:
    assert shown.post("/v1/traces", bringing("to a cluster")).status in (404, 405)


def test_a_cluster_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    from otelier.cli.main import main

    assert main(["ui", "--store", "clickhouse://127.0.0.1:1/x", "--no-open", "--port", "0"]) == 1
