"""``GET /api/NAME``: every question over HTTP, read only, behind the same door."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from otelier.questions.model import Question
from otelier.questions.table import QUESTIONS
from otelier.store.writer import Writer
from otelier.web.answering import MOST_ROWS
from otelier.web.tools import example

from . import calls
from .receiving import JSON, Running, bringing, receiving


def kept(store: Path) -> list[tuple[object, ...]]:
    """All that is stored. Who searches brings only the indexes of words up to date."""
    with closing(sqlite3.connect(store)) as connection:
        tables = ("span", "event", "text", "history")
        return [row for name in tables for row in connection.execute(f"SELECT * FROM {name}")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    store = calls.store(tmp_path_factory.mktemp("store") / "traces.db")
    before = kept(store)
    with receiving(store) as running:
        yield running
        running.end()
    assert kept(store) == before


def test_the_list_of_questions(server: Running) -> None:
    answer = server.get("/api/")
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store"
    listed = {each["name"]: each for each in answer.json["questions"]}
    assert list(listed) == [question.name for question in QUESTIONS]
    limit = listed["calls"]["parameters"]["properties"]["limit"]
    assert limit["type"] == "integer" and limit["default"] == 20
    assert {"name": "cost", "type": "float", "unit": "USD"}.items() <= next(
        column for column in listed["costs"]["columns"] if column["name"] == "cost"
    ).items()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_question_answers(server: Running, question: Question) -> None:
    needed = {each.name for each in question.parameters if each.required}
    given = {name: value for name, value in example(question).items() if name in needed}
    answer = server.get(f"/api/{question.name}?{urlencode(given)}")
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json"
    names = [column["name"] for column in answer.json["columns"]]
    assert names == [column.name for column in question.columns]
    assert all(list(row) == names for row in answer.json["rows"])


def test_parameters_choose(server: Running) -> None:
    (row,) = server.get("/api/calls?status=error&model=gpt-x&since=2026-01-01&limit=5").json["rows"]
    assert row["error"] == "overloaded_error" and row["cost"] is None
    assert server.get("/api/calls?since=2030-01-01T00:00").json["rows"] == []
    assert len(server.get("/api/calls?limit=2").json["rows"]) == 2
    (whole,) = server.get(f"/api/call?id={2:016x}").json["rows"]
    assert whole["input"][0]["parts"][0]["content"] == calls.INJECTED


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("calls?limit=many", "limit is a whole number"),
        ("calls?limit=-1", "from 0 on"),
        ("calls?limit=" + "9" * 40, "from 0 on"),
        ("calls?since=tomorrow", "is no time"),
        ("calls?modle=x", "did you mean model"),
        ("calls?cached=perhaps", "true or false"),
        ("calls?model=a&model=b", "is there twice"),
        ("call", "needs 'id'"),
        ("costs?by=weather", "by is one of"),
        ("traces?cursor=2026", "'2026' is no cursor"),
    ],
)
def test_what_is_asked_in_a_wrong_way_is_told(server: Running, query: str, why: str) -> None:
    answer = server.get(f"/api/{query}")
    assert answer.status == 400, answer
    assert why in answer.json["message"] and "\n" not in answer.json["message"]


def test_names_that_are_none(server: Running) -> None:
    answer = server.get("/api/call5")
    assert answer.status == 404
    assert "did you mean call" in answer.json["message"] and "costs" in answer.json["message"]
    for path in ("/api/calls/x", "/api/..%2f..%2fetc", "/api/sql?query=SELECT%201"):
        assert server.get(path).status == 404


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", "%00", "\u2028", "x'); DROP TABLE span; --", "%ED%A0%80", "{filters}"]
)
def test_texts_are_texts(server: Running, text: str) -> None:
    for name in ("model", "session", "tag"):
        answer = server.get(f"/api/calls?{name}={quote(text, safe='%')}")
        assert (answer.status, answer.json["rows"]) == (200, [])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading(server: Running, method: str) -> None:
    for path in ("/api/", "/api/calls"):
        assert server.post(path, b"{}", JSON, method).status == 405


def test_pages_elsewhere_learn_nothing(server: Running) -> None:
    assert server.get("/api/calls", {"Host": "evil.example"}).status == 403
    assert server.get("/api/calls", {"Sec-Fetch-Site": "cross-site"}).status == 403
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = server.get("/api/calls", {**followed, "Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_token_is_demanded(tmp_path: Path) -> None:
    with receiving(calls.store(tmp_path / "traces.db"), OTELIER_TOKEN="secret") as server:
        for path in ("/api/", "/api/calls", "/api/nothing"):
            assert server.get(path).status == 401
        assert server.get("/api/calls", {"Authorization": "Bearer secret"}).status == 200


def test_it_is_read_while_it_is_written(tmp_path: Path) -> None:
    """Eight ask while eight send: nobody is refused, and what was sent is found."""

    def send(number: int) -> int:
        body = bringing(f"chat {number}", trace=number)
        span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        span["attributes"] = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
        return server.post("/v1/traces", body).status

    def ask(number: int) -> int:
        return server.get("/api/calls?limit=100").status

    with receiving(tmp_path / "traces.db") as server, ThreadPoolExecutor(16) as pool:
        sent = pool.map(send, range(1, 81))
        asked = pool.map(ask, range(80))
        assert set(sent) == {200} and set(asked) == {200}
        found = server.get("/api/calls?limit=100").json["rows"]
        assert sorted(row["name"] for row in found) == sorted(f"chat {n}" for n in range(1, 81))


def test_what_is_asked_is_json(server: Running) -> None:
    """What cannot be a number of JSON is not written as one."""
    body = server.get("/api/calls").body
    assert json.loads(body, parse_constant=pytest.fail)


def test_one_answer_has_so_many_rows_and_says_that_there_are_more(tmp_path: Path) -> None:
    store = tmp_path / "traces.db"
    writer = Writer(store)
    named = {"gen_ai__operation__name": "execute_tool"}
    writer.write([calls.span(number, "tool", **named) for number in range(1, MOST_ROWS + 3)])
    writer.close()
    with receiving(store) as server:
        found = server.get(f"/api/calls?limit={10**9}").json
        assert len(found["rows"]) == MOST_ROWS and found["cut"] is True
        assert "cut" not in server.get(f"/api/calls?limit={MOST_ROWS}").json
