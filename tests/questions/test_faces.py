"""The questions as Python functions, and what type checkers are told of them."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from otelier import questions
from otelier.questions import stub
from otelier.questions.model import Question
from otelier.questions.moments import moment
from otelier.questions.table import BY_NAME, BY_ROW, QUESTIONS
from otelier.store.engine import StoreError
from otelier.store.writer import Writer
from tests.store.made import chat, message

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "t.db"
    Writer(found).write([chat(1, [message("user", "a"), message("assistant", "b")])])
    return found


def test_the_stub_is_of_these_questions() -> None:
    assert stub.PATH.read_text("utf-8") == stub.text(), "python -m otelier.questions.stub"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_the_stub_says_what_functions_take(question: Question) -> None:
    tree = ast.parse(stub.PATH.read_text("utf-8"))
    (told,) = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == question.name
    ]
    function = getattr(questions, question.name)
    taken = inspect.signature(function).parameters
    keywords = [each.arg for each in told.args.kwonlyargs]
    assert [each.arg for each in told.args.args] + keywords == list(taken)
    assert keywords == [p.name for p in taken.values() if p.kind is p.KEYWORD_ONLY]
    for argument, default in zip(told.args.kwonlyargs, told.args.kw_defaults, strict=True):
        assert default is not None
        assert ast.literal_eval(default) == taken[argument.arg].default
    assert ast.get_docstring(told) == inspect.getdoc(function)
    (row,) = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == question.row
    ]
    fields = [node.target.id for node in row.body if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]
    assert fields == [column.name for column in question.columns]


def test_names_are_taken_once() -> None:
    assert len(BY_NAME) == len(BY_ROW) == len(QUESTIONS)
    assert {*BY_NAME, *BY_ROW} <= set(dir(questions))
    for question in QUESTIONS:
        assert question.example.startswith(f"{question.name}(")
        for names in (question.parameters, question.columns):
            assert len({each.name for each in names}) == len(names)
        assert "store" not in {p.name for p in question.parameters}


def test_rows_are_frozen_and_can_be_passed_on(path: Path) -> None:
    (row,) = questions.costs(store=path)
    with pytest.raises(FrozenInstanceError):
        row.cost = 1.0  # type: ignore[misc]
    assert isinstance(row, questions.Cost)
    assert pickle.loads(pickle.dumps(row)) == copy.deepcopy(row) == row


def test_a_store_is_a_path_or_what_the_setting_says(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTELIER_STORE", str(path))
    assert questions.calls() == questions.calls(store=str(path)) == questions.calls(store=path)
    with pytest.raises(StoreError, match="there is no store"):
        questions.calls(store=path.with_name("other.db"))


def test_nothing_of_it_is_loaded_by_programs() -> None:
    program = (
        "import sys, otelier; otelier.instrument();"
        "print([m for m in sys.modules if m.startswith('otelier.questions')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("90 m", NOW - timedelta(minutes=90)),
        ("2W", NOW - timedelta(weeks=2)),
        ("30s", NOW - timedelta(seconds=30)),
        (timedelta(hours=1), NOW - timedelta(hours=1)),
        ("2026-11-28", datetime(2026, 11, 28, tzinfo=UTC)),
        ("2026-11-28T21:04", datetime(2026, 11, 28, 21, 4, tzinfo=UTC)),
        ("2026-11-28 21:04:05.5", datetime(2026, 11, 28, 21, 4, 5, 500000, tzinfo=UTC)),
        ("2026-11-28T21:04:05Z", datetime(2026, 11, 28, 21, 4, 5, tzinfo=UTC)),
        ("2026-11-28T21:04:05+02:00", datetime(2026, 11, 28, 19, 4, 5, tzinfo=UTC)),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)),
        ("2999-01-01", datetime(2262, 1, 1, tzinfo=UTC)),
        ("0001-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_moments(told: str | datetime | timedelta, meant: datetime) -> None:
    assert moment(told, NOW) == meant


@pytest.mark.parametrize("told", ["", "yesterday", "24", "h", "999999w", "2026-13-01", "1e3d"])
def test_what_is_no_moment(told: str) -> None:
    with pytest.raises(ValueError, match="24h, 7d"):
        moment(told, NOW)
