"""The questions' verbs: what a person, and what a script, gets to see."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from otelier.cli.main import main
from otelier.questions.table import QUESTIONS
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from tests.store.made import chat, message

SAID = [message("user", "where is it?"), message("assistant", "there")]
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\r\n\u202eevil\x9b2J"
NEEDED = {"call": ["none"], "search": ["none"], "compare": ["x", "y"]}


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch, plain: None) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "t.db"
    unknown = {"gen_ai.usage.cost": None, "gen_ai.request.model": "own", "session.id": "s-2"}
    put(path, chat(1, SAID, attributes={"session.id": "s-1"}), chat(2, SAID, attributes=unknown))
    return path


def put(path: Path, *spans: StoredSpan) -> None:
    Writer(path).write(spans)


def rows(text: str) -> list[list[str]]:
    """The cells of a table."""
    return [[cell.strip() for cell in line.split("  ") if cell] for line in text.splitlines()]


def test_a_table(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--store", str(store)]) == 0
    printed = capsys.readouterr()
    assert rows(printed.out) == [
        ["model", "cost", "unpriced", "calls", "input", "output", "mean"],
        ["gpt-4o", "$0.25", "0", "1", "10", "5", "500 ms"],
        ["own", "–", "1", "1", "10", "5", "500 ms"],
    ]
    assert printed.err == ""


def test_a_sum_that_is_not_whole_says_so(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--by", "service", "--store", str(store)]) == 0
    assert "≥ $0.25" in capsys.readouterr().out


def test_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calls", "--json", "--store", str(store)]) == 0
    newest, oldest = json.loads(capsys.readouterr().out)
    assert (oldest["cost"], newest["cost"]) == (0.25, None)
    assert oldest["time"] == "2026-11-20T10:00:01.000000Z"


def test_csv(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(store, chat(3, SAID, attributes={"session.id": 'a,"b"\nc'}))
    assert main(["calls", "--csv", "--store", str(store)]) == 0
    newest, *_ = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert (newest["session"], newest["cost"], newest["tool"]) == ('a,"b"\nc', "0.25", "")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("form", [[], ["--wide"], ["--json"], ["--csv"]], ids=str)
def test_every_verb_in_every_form(
    question: Any, form: list[str], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*NEEDED.get(question.name, []), *form, "--store", str(store)]
    if question.name == "call":
        asked[0] = f"{2:016x}"
    if question.name == "trace":
        # The command of this name shows a tree.
        from otelier.cli import asking
        from otelier.cli.main import Parser

        parser = Parser("trace")
        asking.verb("trace").add_arguments(parser)
        assert asking.verb("trace").run(parser.parse_args(asked)) == 0
    else:
        assert main([question.name, *asked]) == 0
    printed = capsys.readouterr()
    if form == ["--json"]:
        told = json.loads(printed.out)
        assert bool(told) == (printed.err == "")
    elif form == ["--csv"]:
        head, *found = csv.reader(io.StringIO(printed.out, newline=""))
        assert head == [column.name for column in question.columns]
        assert all(len(row) == len(head) for row in found)
    else:
        assert "Traceback" not in printed.out + printed.err


def test_hostile_texts_cannot_control_a_terminal(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [message("user", HOSTILE), message("assistant", HOSTILE)]
    names = ("session.id", "user.id", "gen_ai.request.model", "gen_ai.response.id", "error.type")
    put(store, replace(chat(9, said, attributes=dict.fromkeys(names, HOSTILE)), name=HOSTILE))
    for verb in (
        ["calls"],
        ["calls", "--wide"],
        ["traces"],
        ["traces", "--wide"],
        ["costs"],
        ["sessions"],
        ["errors"],
        ["conversation", "c-1"],
        ["call", f"{10:016x}"],
        ["search", "owned"],
        ["latency", "--by", "user"],
    ):
        assert main([*verb, "--store", str(store)]) == 0
        shown = capsys.readouterr().out
        assert not set(shown) & set("\x1b\x07\r\u202e\x9b"), verb


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_lines_fit(
    columns: int,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    wide = "名前" * 40
    put(store, replace(chat(3, SAID, attributes={"gen_ai.request.model": wide}), name=wide))
    from rich.cells import cell_len

    for verb in (
        ["calls"],
        ["costs"],
        ["sessions"],
        ["traces"],
        ["conversation", "c-1"],
        ["calls", "--wide"],
    ):
        assert main([*verb, "--store", str(store)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines and max(map(cell_len, lines)) <= columns, verb


def test_numbers_are_never_cut(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    big = {"gen_ai.usage.input_tokens": 123_456_789_012, "gen_ai.request.model": "big"}
    put(store, chat(3, SAID, attributes=big))
    for columns in ("60", "80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["costs", "--store", str(store)]) == 0
        assert "123,456,789,012" in capsys.readouterr().out


def test_colour_only_where_it_is_wanted(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["costs", "--store", str(store)]
    main(asked)
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(asked)
    assert "\x1b[32m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(asked)
    assert "\x1b" not in capsys.readouterr().out


def test_a_terminal_without_utf8(store: Path) -> None:
    put(store, chat(3, SAID, attributes={"gen_ai.request.model": "n" * 90}))
    done = command("costs", store, PYTHONIOENCODING="ascii", COLUMNS="80")
    assert done.returncode == 0 and done.stdout.isascii()
    assert "nnn..." in done.stdout and "?" not in done.stdout


@pytest.mark.parametrize(
    ("asked", "code", "line"),
    [
        (["costs", "--model", "gpt-4o", "--max", "0.25"], 0, ""),
        (
            ["costs", "--model", "gpt-4o", "--max", "0.2"],
            1,
            "otelier costs: over budget: $0.25 of $0.20",
        ),
        (
            ["costs", "--max", "0.2"],
            1,
            "otelier costs: over budget: at least $0.25 of $0.20",
        ),
        (
            ["costs", "--max", "1"],
            2,
            "otelier costs: at least $0.25 of $1.00: 1 call has no known price",
        ),
        (["sessions", "--session", "s-1", "--max", "1"], 0, ""),
        (
            ["sessions", "--limit", "1", "--max", "0.1"],
            1,
            "otelier sessions: over budget: at least $0.25 of $0.10",
        ),
    ],
)
def test_a_budget(
    asked: list[str], code: int, line: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked, "--store", str(store)]) == code
    assert capsys.readouterr().err.strip() == line


def test_a_budget_counts_a_call_with_two_tags_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.db"
    put(path, chat(1, SAID, attributes={"otelier.tags": ["a", "b"]}))
    assert main(["costs", "--by", "tag", "--max", "0.3", "--store", str(path)]) == 0
    assert capsys.readouterr().out.count("$0.25") == 2


@pytest.mark.parametrize(("budget", "code"), [("0.3", 0), ("0.29", 1)])
def test_a_budget_is_spent_to_its_end(budget: str, code: int, tmp_path: Path) -> None:
    """Though 0.1 and 0.2 are a little more than 0.3 for a computer."""
    path = tmp_path / "t.db"
    put(path, *(chat(n, SAID, attributes={"gen_ai.usage.cost": n / 10}) for n in (1, 2)))
    assert main(["costs", "--max", budget, "--store", str(path)]) == code


@pytest.mark.parametrize("verb", ["costs", "conversations", "conversation", "dearest"])
def test_what_is_free_is_shown(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    free, unknown = tmp_path / "free.db", tmp_path / "unknown.db"
    put(free, chat(1, SAID, attributes={"gen_ai.usage.cost": 0.0}))
    put(unknown, chat(1, SAID, attributes={"gen_ai.usage.cost": None}))
    assert main([verb, "--store", str(free)]) == 0
    assert "free" in capsys.readouterr().out
    assert main([verb, "--store", str(unknown)]) == 0
    assert "free" not in capsys.readouterr().out


def test_csv_holds_ends_of_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, session = tmp_path / "t.db", 'a\rb\nc\r\nd",e'
    put(path, chat(1, SAID, attributes={"session.id": session}))
    assert main(["calls", "--csv", "--store", str(path)]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row["session"] == session


@pytest.mark.parametrize("budget", ["nan", "-1", "much", "inf"])
def test_a_budget_is_a_number(budget: str, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["costs", f"--max={budget}", "--store", str(store)])
    assert exit_.value.code == 2


def test_a_time_range(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["calls", "--json", "--store", str(store)]
    main([*asked, "--since", "2026-11-20T10:00:02"])
    assert [row["session"] for row in json.loads(capsys.readouterr().out)] == ["s-2"]
    main([*asked, "--until", "2026-11-20T10:00:02"])
    assert [row["session"] for row in json.loads(capsys.readouterr().out)] == ["s-1"]
    with pytest.raises(SystemExit) as exit_:
        main([*asked, "--since", "yesterday"])
    assert exit_.value.code == 2
    assert "24h, 7d" in capsys.readouterr().err


def test_traces_page_by_page(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["traces", "--limit", "1", "--json", "--store", str(store)]
    assert main(asked) == 0
    (newest,) = json.loads(capsys.readouterr().out)
    assert main([*asked, "--cursor", newest["cursor"]]) == 0
    (oldest,) = json.loads(capsys.readouterr().out)
    assert (newest["session"], oldest["session"]) == ("s-2", "s-1")
    assert (newest["text"], newest["cost"], oldest["cost"]) == ("where is it?", None, 0.25)
    with pytest.raises(SystemExit) as exit_:
        main([*asked, "--cursor", newest["trace_id"]])
    assert exit_.value.code == 2
    assert "is no cursor: only what comes behind a row" in capsys.readouterr().err


def test_nothing_found_is_said_and_no_failure(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calls", "--user", "nobody", "--store", str(store)]) == 0
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == f"otelier calls: nothing of that in {store}\n"


def test_a_missing_store_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--store", str(tmp_path / "none.db")]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert "otelier run" in printed.err


def test_what_was_meant(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cots"]) == 2
    assert "did you mean costs?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["costs", "--sesion", "x"])
    assert "did you mean --session?" in capsys.readouterr().err


def command(verb: str, store: Path, **env: str) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "otelier", verb, "--store", str(store)]
    return subprocess.run(
        asked, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )


def test_output_that_cannot_be_written_is_one_line(store: Path) -> None:
    asked = [sys.executable, "-m", "otelier", "calls", "--store", str(store)]
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no full device here")
    with full.open("w") as stream:
        found = subprocess.run(asked, stdout=stream, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr == "otelier calls: No space left on device\n"


def test_new_calls_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    began = time.time_ns() - 10**9
    put(path, chat(1, SAID, start_ns=began, end_ns=began + 1, attributes={"session.id": "old"}))
    asked = [sys.executable, "-m", "otelier", "calls", "--follow", "--json", "--store", str(path)]
    pipe = subprocess.PIPE
    # Of what a shell runs in the background it is ignored, and so it would be here.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(asked, stdout=pipe, stderr=pipe, text=True, preexec_fn=heeds) as found:
        assert found.stdout is not None
        assert json.loads(found.stdout.readline())["session"] == "old"
        for number in (2, 3):
            # One that began before what is shown, and has ended now.
            at = began - number * 10**6
            put(path, chat(number, SAID, start_ns=at, end_ns=at + 1))
            assert json.loads(found.stdout.readline())["span_id"] == f"{number + 1:016x}"
        found.send_signal(signal.SIGINT)
        assert found.wait(timeout=20) == 130
