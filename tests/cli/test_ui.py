"""``otelier ui`` as programs and browsers reach it: who may come in, where it listens, its end."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from otelier.cli import extras
from otelier.cli.main import main
from otelier.web.sealing import POLICY
from tests.store.made import chat, span, talk, written
from tests.web.receiving import JSON, Running, bringing, running

from .running import few, posix

HTML = {"Accept": "text/html,application/xhtml+xml"}
TOKEN = "a-token.of~our+own"
TRACE = f"{1:032x}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("store") / "traces.db", [chat(0, talk(2))])


@pytest.fixture(scope="module")
def shown(store: Path) -> Iterator[Running]:
    with running(store, "ui", "--store", str(store), "--no-open") as found:
        yield found


@pytest.fixture(scope="module")
def closed(store: Path) -> Iterator[Running]:
    """One that demands a token."""
    words = ("ui", "--store", str(store), "--no-open", "--token", TOKEN)
    with running(store, *words) as found:
        yield found


def test_what_is_sent_to_it_is_shown(tmp_path: Path) -> None:
    store = tmp_path / "traces.db"
    with running(store, "ui", "--store", str(store), "--no-open") as shown:
        assert "No spans yet" in shown.get("/traces", HTML).body.decode()
        assert shown.url in shown.get("/traces", HTML).body.decode()
        assert shown.post("/v1/traces", bringing("chat from elsewhere")).status == 200
        found = shown.get("/live").body
        assert shown.post("/v1/traces", bringing("chat once more", trace=2)).status == 200
        assert shown.get("/live").body != found
        assert shown.spans() == ["chat from elsewhere", "chat once more"]
        assert shown.end(signal.SIGINT) == (0, "")


def test_every_answer_forbids_what_is_not_ours(shown: Running) -> None:
    for path in ("/traces", f"/traces/{TRACE}", f"/rows/{TRACE}", "/static/page.js", "/nothing"):
        headers = shown.get(path, HTML).headers
        assert headers["content-security-policy"] == POLICY, path
        assert headers["x-content-type-options"] == "nosniff", path
    assert "'unsafe" not in POLICY and "*" not in POLICY
    # What is shown as it was recorded is not even a page.
    raw = shown.get(f"/raw/{TRACE}/{1:016x}?name=gen_ai.input.messages", HTML)
    assert raw.headers["content-security-policy"] == "default-src 'none'"
    assert raw.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"/traces/{9:032x}", 404, "There is no trace"),
        (f"/traces/{TRACE}/{9:016x}", 404, "There is no span"),
        ("/no/such/page", 404, "There is no such page"),
        ("/traces?since=yesterday", 400, "is no time"),
        ("/traces/..%2f..%2fetc%2fpasswd", 404, "There is no"),
        ("/traces?too-long=", 414, "a longer name than a link can say"),
        ("/static/../page.js", 404, ""),
        ("/static/%2e%2e/app.py", 404, ""),
    ],
)
def test_what_is_not_there_is_said(shown: Running, path: str, status: int, words: str) -> None:
    answer = shown.get(path, HTML)
    assert (answer.status, words in answer.body.decode()) == (status, True)


def test_pages_change_nothing(shown: Running) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert shown.post(f"/traces/{TRACE}", {}, JSON, method).status == 405


def test_a_name_that_somebody_pointed_here(shown: Running) -> None:
    answer = shown.get(f"/traces/{TRACE}", {**HTML, "Host": "evil.example"})
    assert answer.status == 403 and b"user 0" not in answer.body


def test_who_has_no_token_is_asked_for_it(closed: Running) -> None:
    asked = closed.get("/traces", HTML)
    assert asked.status == 401 and b'name="token"' in asked.body
    assert closed.get("/static/otelier.css").status == 200
    # Programs are told in their own words.
    assert closed.get("/api/calls").json["code"] == 16
    assert TOKEN not in closed.told


def test_the_link_lets_a_browser_in_for_good(closed: Running) -> None:
    entered = closed.get(f"/traces?limit=5&token={quote(TOKEN)}", HTML)
    assert (entered.status, entered.headers["location"]) == (303, "/traces?limit=5")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and TOKEN not in cookie
    kept = {**HTML, "Cookie": cookie.partition(";")[0]}
    assert closed.get(f"/traces/{TRACE}", kept).status == 200
    assert closed.get("/api/calls", kept).status == 200
    # What changes something needs the token itself: a page elsewhere has the cookie's use, too.
    assert closed.post("/v1/traces", {}, {**JSON, **kept}).status == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert closed.post("/v1/traces", {}, {**JSON, **bearer}).status == 200
    assert closed.get(f"/traces/{TRACE}", {**HTML, **bearer}).status == 200


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/%2fevil.example/"])
def test_the_link_leads_nowhere_else(closed: Running, path: str) -> None:
    entered = closed.get(f"{path}?token={quote(TOKEN)}", HTML)
    assert urlsplit(entered.headers["location"]).netloc == ""
    assert re.match(r"/(?![/\\])", entered.headers["location"])


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x"])
def test_a_wrong_token_lets_nobody_in(closed: Running, given: str) -> None:
    assert closed.get(f"/traces?token={given}", HTML).status == 401
    port = urlsplit(closed.url).port
    assert closed.get("/traces", {**HTML, "Cookie": f"otelier-{port}={given}"}).status == 401


def test_beyond_this_machine_a_token_is_made_and_printed_as_a_link(store: Path) -> None:
    words = ("ui", "--store", str(store), "--no-open", "--host", "0.0.0.0")
    with running(store, *words) as shown:
        link = re.search(r"http://\S+/\?token=(\S+)", shown.told)
        assert link and len(link[1]) >= 32
        here = f"127.0.0.1:{urlsplit(link[0]).port}"
        shown.url = f"http://{here}"
        assert shown.get("/traces", HTML).status == 401
        assert shown.get(f"/traces?token={link[1]}", HTML).status == 303


def test_another_port_where_the_usual_one_is_taken(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otelier.cli import address, ui

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(address, "PORT", port)
        there = address.Address("127.0.0.1", port, None, False, True)
        with ui._listener(there, chosen=False) as found:
            assert found.getsockname()[1] not in (0, port)
        assert main(["ui", "--store", str(store), "--no-open", "--port", str(port)]) == 1


@pytest.mark.parametrize("words", [["ui"], ["run", "--ui", "python", "app.py"]])
def test_without_its_packages_it_says_what_installs_them(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "jinja2" else object())
    assert main(words) == 2
    assert "pip install 'otelier[ui]'" in capsys.readouterr().err


def test_a_store_that_cannot_be_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "traces.db"
    path.write_text("no database " * 100)
    assert main(["ui", "--store", str(path), "--no-open", "--port", "0"]) == 1
    assert str(path) in capsys.readouterr().err
    assert main(["ui", "--store", "ftp://host/x", "--no-open", "--port", "0"]) == 1
    assert "ftp:// is no store" in capsys.readouterr().err


PROGRAM = "import otelier\nwith otelier.workflow('seen'): pass"


@posix
def test_run_shows_the_page_until_ctrl_c(tmp_path: Path) -> None:
    """At a terminal, which is where somebody may read it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "otelier.cli", "run", "--ui", "--store", "t.db", "--no-tree"]
    process = subprocess.Popen(
        [*command, sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=few(OTELIER_CONFIGURE_SDK="true"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    told = b""
    while b"the page stays until Ctrl-C" not in told:
        told += os.read(ours, 4096)
    while b"shows" not in told:
        told += os.read(ours, 4096)
    url = re.search(rb"otelier ui: (http://\S+) shows", told)
    assert url and b"1 trace ->" in told
    shown = Running(url[1].decode(), tmp_path / "t.db", process, "")  # type: ignore[arg-type]
    assert shown.get("/traces", HTML).status == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    with pytest.raises(ConnectionError):
        shown.get("/traces", HTML)
    os.close(ours)


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_that_is_told_to_end_does_not_keep_the_page(tmp_path: Path, number: int) -> None:
    """At a terminal, too: no second signal is needed."""
    ours, theirs = pty.openpty()
    program = "import time; print('it runs', flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-m", "otelier.cli", "run", "--ui", "--store", "t.db", "--no-tree",
         sys.executable, "-c", program],
        cwd=tmp_path,
        env=few(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    told = b""
    while b"it runs" not in told or b"shows" not in told:
        told += os.read(ours, 4096)
    process.send_signal(number)
    try:
        assert process.wait(30) == -number
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_run_shows_the_page_while_it_runs_where_nobody_is(tmp_path: Path) -> None:
    """Its exit code is the program's, and nothing stays behind."""
    command = [sys.executable, "-m", "otelier.cli", "run", "--ui", "--store", "t.db", "--no-tree"]
    program = f"{PROGRAM}\nraise SystemExit(7)"
    done = subprocess.run(
        [*command, sys.executable, "-c", program],
        cwd=tmp_path,
        env=few(OTELIER_CONFIGURE_SDK="true"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 7
    assert "1 trace ->" in done.stderr and "stays" not in done.stderr


def test_a_store_is_written_for_the_page_whatever_the_exporters(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "otelier.cli", "run", "--ui", sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=few(
            OTELIER_CONFIGURE_SDK="true",
            OTEL_TRACES_EXPORTER="otelier_tree",
            OTELIER_STORE=str(tmp_path / "t.db"),
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "1 trace -> t.db" in done.stderr


def test_spans_of_no_model_are_a_trace_too(tmp_path: Path) -> None:
    store = written(tmp_path / "t.db", [span(0, "GET /health")])
    with running(store, "ui", "--store", str(store), "--no-open") as shown:
        page = shown.get(f"/traces/{TRACE}", HTML)
        assert page.status == 200 and "GET /health" in page.body.decode()
