"""The page SQL over real sockets: what it runs, for whom, and within which limits."""

from __future__ import annotations

import csv
import hashlib
import http.client
import io
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from otelier.cli.main import main
from otelier.store.engine import StoreError
from otelier.store.sqlite import SQLite
from otelier.web.pages import sql as page
from otelier.web.shown.result import result
from tests.store.made import chat, talk, written
from tests.store.test_queries import ENDLESS

from .receiving import Answer, Running, running

COUNTED = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n"
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
READER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
TYPED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
NOT_RUN = "the query was not run"
TOKEN = "a-token"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "t.db"
    return written(path, [chat(n, talk(2)) for n in range(3)])


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Running]:
    with running(store, "ui", "--no-open") as found:
        yield found


@pytest.fixture(scope="module")
def closed(store: Path) -> Iterator[Running]:
    """One that demands a token, and whose browsers do not say what site they ask for."""
    with running(store, "ui", "--no-open", OTELIER_TOKEN=TOKEN) as found:
        yield found


def get(
    server: Running, query: str, headers: dict[str, str] = READER, path: str = "/sql"
) -> Answer:
    return server.get(f"{path}?{urlencode({'q': query})}", headers)


def post(server: Running, query: str, headers: dict[str, str], path: str = "/sql") -> Answer:
    return server.post(path, urlencode({"q": query}).encode(), {**FORM, **headers})


def text(answer: Answer) -> str:
    """The words of a page, in a line."""
    body = re.sub(r"<textarea.*?</textarea>", "", answer.body.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]*>", " ", body)).split())


# --- what is answered ---------------------------------------------------------------------------


def test_a_query_and_its_answer_are_a_url(server: Running) -> None:
    answer = get(server, "SELECT model, count(*) AS n\nFROM calls GROUP BY model")
    assert answer.status == 200
    assert "1 row in" in text(answer) and "model n gpt-4o 3" in text(answer)
    assert "FROM calls GROUP BY model</textarea>" in answer.body.decode()


def test_values_keep_their_types() -> None:
    row = (None, 1, 0.1 + 0.2, 2**62, "1", "", b"\x00\xff", True, [1, "a"], float("inf"))
    found = result([f"c{n}" for n in range(len(row))], [row, (None,) * len(row)])
    assert [(cell.kind, cell.text) for cell in found.rows[0]] == [
        ("null", "NULL"),
        ("number", "1"),
        ("number", "0.30000000000000004"),
        ("number", str(2**62)),
        ("text", "1"),
        ("text", ""),
        ("bytes", "x'00ff'"),
        ("word", "true"),
        ("data", '[1, "a"]'),
        ("number", "inf"),
    ]
    assert [n for n, each in enumerate(found.numbers) if each] == [1, 2, 3, 9]


def test_ids_lead_to_what_they_are_of() -> None:
    names = ["trace_id", "span_id", "parent_id", "session", "conversation", "user"]
    found = result(names, [("t", "s", "p", "a/b", "c", "u"), ("t", "s", "", None, "", "u")])
    assert [cell.link for cell in found.rows[0]] == [
        ("traces", "t"),
        ("traces", "t", "s"),
        ("traces", "t", "p"),
        ("sessions", "a/b"),
        ("conversations", "c"),
        (),
    ]
    assert [bool(cell.link) for cell in found.rows[1]] == [True, True, False, False, False, False]
    # Nobody knows of which trace the span is.
    assert result(["span_id"], [("s",)]).rows[0][0].link == ()


def test_long_texts_are_cut_where_there_are_many_and_say_so() -> None:
    (row,) = result(["text"], [("x" * 50_000,)]).rows
    assert (len(row[0].text), row[0].cut) == (50_000, 0)
    rows = result(["text"], [("x" * 50_000,)] * 100).rows
    assert {(len(row[0].text), row[0].cut) for row in rows} == {(5_000, 45_000)}
    rows = result(["text"], [("x" * 10_000_000,)] * 1_000).rows
    assert {len(row[0].text) + row[0].cut for row in rows} == {10_000_000}
    assert sum(len(row[0].text) for row in rows) <= 1_000_000


def test_links_are_of_this_server(server: Running) -> None:
    body = get(server, "SELECT '/../x\"><script>' AS session, 'é?' AS trace_id").body.decode()
    assert 'href="/sessions/%2F..%2Fx%22%3E%3Cscript%3E"' in body
    assert 'href="/traces/%C3%A9%3F"' in body
    assert "<script>" not in body


def test_rows_are_limited_and_that_is_told(server: Running) -> None:
    cut = text(get(server, COUNTED.format(1001)))
    assert "more than 1,000 rows" in cut and "the first 1,000 rows" in cut
    whole = text(get(server, COUNTED.format(1000)))
    assert "1,000 rows in" in whole and "more than" not in whole


def test_files_have_more_rows_or_none(server: Running) -> None:
    answer = get(server, COUNTED.format(1500), path="/sql.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="otelier.csv"'
    assert len(answer.body.splitlines()) == 1501
    answer = get(server, COUNTED.format(100_001), path="/sql.csv")
    assert answer.status == 400 and "more than 100,000 rows" in text(answer)


def test_files_have_what_the_command_prints(
    server: Running, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT 'a,\"b\"\nc' AS x, NULL AS y, 1.5 AS x, x'ff' AS z, 1e999 AS w, 'é' AS u"
    printed = {}
    for form in ("csv", "json"):
        main(["sql", query, f"--{form}", "--store", str(store)])
        printed[form] = capsys.readouterr().out
    assert get(server, query, path="/sql.csv").body.decode() == printed["csv"]
    assert get(server, query, path="/sql.json").json == json.loads(printed["json"])
    head, row = csv.reader(io.StringIO(printed["csv"], newline=""))
    assert head == ["x", "y", "x_2", "z", "w", "u"]
    assert row == ['a,"b"\nc', "", "1.5", "ff", "", "é"]


def test_what_the_engine_says_stands_in_place(server: Running) -> None:
    for query, told in (
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT wrong FROM calls", "no such column: wrong"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        (" ;", "there is no query"),
        ("SELECT '<script>alert(1)</script>' AS", "incomplete input"),
    ):
        answer = get(server, query)
        assert answer.status == 400 and told in text(answer)
        assert "<script>alert" not in answer.body.decode()
        assert get(server, query, path="/sql.json").status == 400


def test_a_query_too_long_for_a_url_is_a_form(server: Running) -> None:
    short = post(server, "SELECT 1 AS one\r\n", READER)
    assert (short.status, short.headers["location"]) == (303, "/sql?q=SELECT+1+AS+one%0A")
    long = f"SELECT 5001 AS sum -- {'x' * 20_000}"
    answer = post(server, long, READER)
    assert answer.status == 200 and "sum 5001" in text(answer)
    assert "too long for a link" in text(answer)
    assert post(server, long, READER, "/sql.json").json == [{"sum": 5001}]
    huge = server.post("/sql", b"", {**FORM, **READER, "Content-Length": str(1 << 30)})
    assert huge.status == 413


def test_what_is_asked_without_a_query_is_what_can_be_asked(server: Running) -> None:
    shown = text(server.get("/sql", READER))
    assert "A row for each session of a tenant" in shown and "What failed" in shown
    assert "Result" not in shown


# --- it only reads ------------------------------------------------------------------------------

WRITING = (
    "DELETE FROM span",
    "UPDATE otelier.span SET name = 'x'",
    "INSERT INTO otelier.text VALUES (1, 2, 3, 4)",
    "DROP VIEW otelier.calls",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine (a)",
    "CREATE VIRTUAL TABLE temp.mine USING fts5(a)",
    "UPDATE otelier.sqlite_master SET sql = 'x'",
    "REPLACE INTO otelier.meta VALUES ('views', '')",
    "ALTER TABLE otelier.span RENAME TO gone",
    "BEGIN IMMEDIATE",
    "SAVEPOINT a",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
)
ELSE = (
    "PRAGMA user_version = 7",
    "PRAGMA query_only = OFF",
    "PRAGMA otelier.journal_mode = DELETE",
    "PRAGMA writable_schema = ON",
    "PRAGMA database_list",
    "SELECT * FROM pragma_database_list",
    "ATTACH DATABASE '{other}' AS other",
    "ATTACH DATABASE ':memory:' AS other",
    "VACUUM otelier INTO '{other}.copy'",
    "DETACH DATABASE otelier",
    "SELECT load_extension('{other}')",
    "SELECT readfile('{other}')",
    "SELECT writefile('{other}.copy', 'x')",
    "SELECT * FROM fsdir('{folder}')",
    "SELECT * FROM '{other}'",
    "SELECT edit('x', 'touch {other}.copy')",
    "SELECT fts3_tokenizer('simple', x'0000000000000000')",
)


@pytest.mark.parametrize("query", [*WRITING, *ELSE])
def test_it_only_reads_and_reads_nothing_else(
    server: Running, store: Path, tmp_path: Path, query: str
) -> None:
    other = written(tmp_path / "other.db", [chat(7, talk(2))])
    before = {path: _digest(path) for folder in (store, other) for path in folder.parent.iterdir()}
    answer = get(server, query.format(other=other, folder=tmp_path))
    assert answer.status == 400, text(answer)
    after = {path: _digest(path) for folder in (store, other) for path in folder.parent.iterdir()}
    assert {path: after.get(path) for path in before} == before
    assert not list(tmp_path.glob("*.copy"))
    assert "calls 3" in text(get(server, "SELECT count(*) AS calls FROM calls"))


def _digest(path: Path) -> str:
    # The index of the log of changes is written by whoever reads.
    return "" if path.name.endswith("-shm") else hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_makes_it_safe_is_the_engine_not_the_page(store: Path) -> None:
    engine = SQLite(store, spill=False)
    for query in (*WRITING, *ELSE):
        with pytest.raises(StoreError):
            engine.ask(query.format(other=store, folder=store.parent))
    engine.close()


# --- for whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_from_elsewhere_runs_nothing(server: Running, site: str) -> None:
    headers = {**ELSEWHERE, "Sec-Fetch-Site": site, "Sec-Fetch-Dest": "document"}
    answer = get(server, "SELECT 40 + 2 AS answer", headers)
    assert answer.status == 200
    assert NOT_RUN in text(answer) and "42" not in text(answer)
    assert "SELECT 40 + 2 AS answer</textarea>" in answer.body.decode()
    for path in ("/sql.csv", "/sql.json"):
        answer = get(server, "SELECT 40 + 2 AS answer", headers, path)
        assert answer.status == 403 and "42" not in text(answer)
    for headers in (READER, TYPED):
        assert "answer 42" in text(get(server, "SELECT 40 + 2 AS answer", headers))


def test_a_form_of_very_many_fields_is_refused(server: Running) -> None:
    answer = server.post("/sql", b"q=SELECT+1" + b"&a" * 1_000_000, FORM)
    assert answer.status == 400 and "fields" in answer.json["message"]


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors"])
def test_a_form_of_another_site_is_refused(server: Running, mode: str) -> None:
    headers = {**ELSEWHERE, "Sec-Fetch-Mode": mode}
    for path in ("/sql", "/sql.csv", "/sql.json"):
        assert post(server, f"SELECT 1 -- {'x' * 20_000}", headers, path).status == 403


def test_where_browsers_do_not_tell_the_site_a_cookie_does(closed: Running) -> None:
    """A cookie that pages of other sites cannot have sent; the one of the token can be."""
    html = {"Accept": "text/html"}
    entered = closed.get(f"/sql?token={TOKEN}", html)
    known = {"Cookie": entered.headers["set-cookie"].partition(";")[0], **html}
    query = "SELECT 40 + 2 AS answer"
    answer = get(closed, query, known)
    assert answer.status == 200 and NOT_RUN in text(answer)
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    both = f"{known['Cookie']}; {answer.headers['set-cookie'].partition(';')[0]}"
    assert "answer 42" in text(get(closed, query, {**html, "Cookie": both}))
    # A form of the page's own is asked with both; of the lax one, another site's has none.
    long = f"SELECT 5001 AS sum -- {'x' * 20_000}"
    assert "sum 5001" in text(post(closed, long, {**html, "Cookie": both}))
    assert post(closed, long, html).status == 401
    for path in ("/v1/traces", "/", "/traces"):
        assert closed.post(path, b"{}", {**html, "Cookie": both}).status in (401, 405)


def test_programs_bring_the_token(closed: Running) -> None:
    brought = {"Authorization": f"Bearer {TOKEN}"}
    assert get(closed, "SELECT 42 AS answer", brought, "/sql.json").json == [{"answer": 42}]
    assert get(closed, "SELECT 42 AS answer", {}, "/sql.json").status == 401


# --- how long -----------------------------------------------------------------------------------


def test_a_query_that_takes_too_long_is_ended(store: Path) -> None:
    with running(store, "ui", "--no-open", "--sql-seconds", "0.2") as server:
        answer = get(server, ENDLESS)
        assert answer.status == 400
        assert "it took longer than 0.2 s and was ended" in text(answer)
        assert "at most 1,000 rows and 0.2 s" in text(answer)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "ten", "3601", ""])
def test_how_long_has_to_make_sense(
    store: Path, seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["ui", "--no-open", "--store", str(store), f"--sql-seconds={seconds}"])
    assert "it is a number up to 3600" in capsys.readouterr().err


def test_queries_keep_nobody_from_the_pages_and_end_with_who_asked(store: Path) -> None:
    """Each of these would take an hour, and no more than so many are asked at one time."""
    with running(store, "ui", "--no-open", "--sql-seconds", "3600") as server:
        with ExitStack() as stack:
            for _ in range(page._AT_ONCE + 5):
                stack.enter_context(_asking(server, ENDLESS))
            assert server.get("/traces").status == 200
        assert "answer 42" in text(get(server, "SELECT 42 AS answer"))


def _asking(server: Running, query: str) -> socket.socket:
    """A connection on which the query is asked, and nobody reads."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    connection.request("GET", f"/sql?{urlencode({'q': query})}", headers=READER)
    assert connection.sock is not None
    return connection.sock
