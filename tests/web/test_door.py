"""Who may come in: programs of this machine, or those with the token; no page of a browser."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.util.re import parse_env_headers

from otelier.cli.main import main
from tests.store.spans import everything

from .receiving import JSON, Running, bringing, receiving

TOKEN = "a-token.of~our+own/=="


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with receiving(tmp_path_factory.mktemp("store") / "traces.db") as running:
        yield running


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that demands a token."""
    store = tmp_path_factory.mktemp("store") / "traces.db"
    with receiving(store, OTELIER_TOKEN=TOKEN) as running:
        yield running


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:4318", "127.0.0.1", "127.1.2.3:1", "[::1]:1"]
)
def test_names_of_this_machine(server: Running, host: str) -> None:
    assert server.post("/v1/traces", {}, {**JSON, "Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4318", "localhost.evil.example", "127.0.0.1.evil.example", "",
     "10.0.0.1", "0.0.0.0", "localhost@evil.example", "[::1", "[::2]", "127.0.0.1:1:2"],
)  # fmt: skip
def test_a_name_that_somebody_pointed_here(server: Running, host: str) -> None:
    answer = server.post("/v1/traces", bringing("by a rebound name"), {**JSON, "Host": host})
    assert answer.status == 403 and answer.json["code"] == 7
    assert server.spans() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_may_not_ask(server: Running, site: str) -> None:
    headers = {**JSON, "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"}
    assert server.post("/v1/traces", {}, headers).status == 403
    assert server.post("/v1/traces", {}, {**JSON, "Sec-Fetch-Site": "same-origin"}).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("target", ["iframe", "frame", "object", "embed", "fencedframe"])
def test_pages_of_other_sites_may_not_frame(tmp_path: Path, site: str, target: str) -> None:
    """A frame would show nothing, but a page learns how long it takes, and needs nobody's click."""
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": target}
    with receiving(tmp_path / "traces.db") as server:
        for path in ("/", "/traces?user=somebody"):
            assert server.get(path, headers).status == 403
            followed = {**headers, "Sec-Fetch-Dest": "document"}
            assert server.get(path, followed).status == 404
            assert server.get(path, {**headers, "Sec-Fetch-Site": "same-origin"}).status == 404


@pytest.mark.parametrize(
    "purpose", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"]
)
def test_browsers_that_ask_ahead_are_refused(server: Running, purpose: str) -> None:
    """Chromium's headers where a page of another site told it to: nothing in them says so."""
    headers = {
        "Sec-Purpose": purpose,
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert server.get("/", headers).status == 403
    assert server.get("/", {**headers, "Sec-Purpose": ""}).status == 404


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}",
     TOKEN, "Bearer \xff"],
)  # fmt: skip
def test_without_the_token(closed: Running, given: str | None) -> None:
    headers = JSON if given is None else {**JSON, "Authorization": given}
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics", "/elsewhere", "/"):
        answer = closed.post(path, bringing("uninvited"), headers)
        assert answer.status == 401 and answer.json["code"] == 16
        assert answer.headers["www-authenticate"] == "Bearer"
    assert "uninvited" not in closed.spans()


def test_with_the_token(closed: Running) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {**JSON, "Authorization": f"{scheme} {TOKEN}"}
        assert closed.post("/v1/traces", {}, headers).status == 200
    # It was given, so that it need not be shown.
    assert TOKEN not in closed.told and "Bearer%20TOKEN" in closed.told


def test_a_token_is_made_where_others_can_come(tmp_path: Path) -> None:
    """The line that is printed is what a program needs."""
    with receiving(tmp_path / "traces.db", "--host", "0.0.0.0") as server:
        found = re.search("OTEL_EXPORTER_OTLP_HEADERS=(.*)", server.told)
        assert found
        headers = parse_env_headers(found[1], liberal=True)
        assert len(headers["authorization"]) > len("Bearer ") + 30
        port = urlsplit(server.url).port
        # Whatever name it is reached by.
        here = f"http://127.0.0.1:{port}"
        assert OTLPSpanExporter(f"{here}/v1/traces").export(everything()) is not (
            SpanExportResult.SUCCESS
        )
        exporter = OTLPSpanExporter(f"{here}/v1/traces", headers=headers)
        assert exporter.export(everything()) is SpanExportResult.SUCCESS
        server.url = here
        named = {**JSON, "Host": "box.example:4318", "Authorization": headers["authorization"]}
        assert server.post("/v1/traces", {}, named).status == 200
        assert server.post("/v1/traces", {}, {**named, "Authorization": "Bearer x"}).status == 401


def test_each_start_makes_another_token(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        with receiving(tmp_path / "traces.db", "--host", "0.0.0.0") as server:
            told.append(server.told.rpartition("Bearer%20")[2])
    assert told[0] != told[1]


@pytest.mark.parametrize("token", ["two words", "ä", "line\nend", "==", "a,b", ""])
def test_tokens_that_no_header_can_hold(
    token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["receive", "--store", str(tmp_path / "x.db"), "--token", token]) == 2
    error = capsys.readouterr().err
    assert "a token has" in error and (not token or token not in error)


def test_a_home_that_nobody_has_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["receive", "--store", "~no-such-user/x.db", "--port", port]) == 1
    assert port in capsys.readouterr().err
    assert main(["prune", "--store", "~no-such-user/x.db"]) == 0
    assert (tmp_path / "~no-such-user" / "x.db").exists()


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["receive", "--store", str(tmp_path / "x.db"), "--port", port]) == 1
    error = capsys.readouterr().err
    assert f"127.0.0.1 port {port}" in error and error.count("\n") == 1


@pytest.mark.parametrize("words", [("--port", "65536"), ("--port", "x"), ("--host",), ("extra",)])
def test_wrong_words(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["receive", *words])
    assert ended.value.code == 2


def test_a_host_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receive", "--store", str(tmp_path / "x.db"), "--host", "256.1.1.1.1"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
