from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelier.cli.main import main
from otelier.store.file_exporter import FileSpanExporter
from otelier.store.otlp_json import decode
from otelier.viewer.tree import render
from tests.store.spans import everything, provider


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A file of three traces of one span each, and a larger one."""
    path = tmp_path / "traces.jsonl"
    memory = InMemorySpanExporter()
    tracer = provider(memory).get_tracer("t")
    for number in range(3):
        tracer.start_span(f"span-{number}", attributes={"gen_ai.tool.call.result": "sunny"}).end()
    exporter = FileSpanExporter(path)
    exporter.export(memory.get_finished_spans())
    exporter.export(everything())
    return path


def _spans(path: Path) -> list:  # type: ignore[type-arg]
    return [span for line in path.read_bytes().splitlines() for span in decode(line)]


def test_a_file_is_shown(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(traces)]) == 0
    printed = capsys.readouterr()
    assert printed.out == render(_spans(traces)) and printed.err == ""


def test_messages(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "--messages", str(traces)]) == 0
    assert capsys.readouterr().out.count("result: sunny") == 3


def test_only_the_last(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(traces), "--last", "2"]) == 0
    shown = capsys.readouterr().out
    assert "span-2" in shown and "outer" in shown
    assert "span-0" not in shown and "span-1" not in shown


def test_only_one_trace(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = next(span for span in _spans(traces) if span.name == "span-1")
    assert main(["view", str(traces), "--trace", wanted.trace_id[:12].upper()]) == 0
    assert capsys.readouterr().out == render([wanted])


def test_standard_input(
    traces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(traces.read_bytes())))
    assert main(["view", "-"]) == 0
    assert "span-0" in capsys.readouterr().out


def test_broken_lines_are_left_out_and_counted(
    traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with traces.open("ab") as file:
        file.write(b"\n\n{\n\xff\xfe\n")
    assert main(["view", str(traces)]) == 0
    printed = capsys.readouterr()
    assert "span-0" in printed.out
    assert printed.err == "otelier view: 2 lines are not OTLP/JSON and left out\n"


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.jsonl")
    assert main(["view", missing]) == 1
    assert capsys.readouterr().err == f"otelier view: {missing}: No such file or directory\n"
    assert main(["view", str(tmp_path)]) == 1
    assert "Is a directory" in capsys.readouterr().err


def test_nothing_to_show_is_said(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(traces), "--trace", "no such"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "nothing of what was asked for" in printed.err


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_wrong_number_is_a_usage_error(number: str, traces: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["view", str(traces), "--last", number])
    assert exit_.value.code == 2


def test_a_reader_that_stops_early_is_no_error(traces: Path) -> None:
    big = traces.with_name("big.jsonl")
    exporter = FileSpanExporter(big)
    memory = InMemorySpanExporter()
    tracer = provider(memory).get_tracer("t")
    for _ in range(3000):
        tracer.start_span("name").end()
    exporter.export(memory.get_finished_spans())
    view = subprocess.Popen(
        [sys.executable, "-m", "otelier.cli", "view", str(big)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert view.stdout is not None and view.stderr is not None
    view.stdout.readline()
    view.stdout.close()
    errors = view.stderr.read()
    view.stderr.close()
    assert (view.wait(), errors) == (0, b"")


def _view(path: Path, *options: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    given = {name: value for name, value in os.environ.items() if name not in _SHOWN_BY}
    return subprocess.run(
        [sys.executable, "-m", "otelier.cli", "view", str(path), *options],
        capture_output=True,
        env={**given, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), **env},
    )


_SHOWN_BY = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING")


def test_a_pipe_gets_no_colour_unless_it_is_forced(traces: Path) -> None:
    assert b"\x1b" not in _view(traces).stdout
    assert b"\x1b[1m" in _view(traces, FORCE_COLOR="1").stdout
    assert b"\x1b" not in _view(traces, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_pipe_gets_the_columns_that_the_user_says(traces: Path) -> None:
    narrow = _view(traces, "--messages", COLUMNS="50").stdout.decode()
    assert max(map(len, narrow.splitlines())) <= 50
    for odd in ("0", "-3", "wide", "", "9" * 30):
        assert _view(traces, COLUMNS=odd).stdout == _view(traces).stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_streams_of_few_characters(traces: Path, encoding: str) -> None:
    shown = _view(traces, "--messages", PYTHONIOENCODING=encoding)
    assert shown.returncode == 0 and shown.stderr == b""
    shown.stdout.decode(encoding)
    assert shown.stdout.count(b"`- ") == 1


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
@pytest.mark.parametrize(("term", "colour"), [("xterm", True), ("dumb", False)])
def test_terminals_that_know_no_escapes_get_none(
    term: str, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otelier.viewer import terminal

    for name in _SHOWN_BY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", term)
    leader, follower = os.openpty()
    with open(follower, "w", encoding="utf-8") as stream, open(leader, "rb"):
        assert terminal.wants_color(stream) is colour


def test_the_last_of_those_that_are_asked_for(
    traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", str(traces), "--grep", "SPAN-", "--last", "1"]) == 0
    shown = capsys.readouterr().out
    assert "span-2" in shown and "span-1" not in shown and "outer" not in shown


def test_a_trace_in_several_lines_is_one(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = traces.read_bytes()
    traces.write_bytes(lines + lines)
    assert main(["view", str(traces)]) == 0
    assert capsys.readouterr().out == render(_spans(traces))


def test_a_url_is_a_store_and_its_password_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["view", "clickhouse://ada:secret@127.0.0.1:1/otelier"]) == 1
    said = capsys.readouterr().err
    assert "cannot be reached" in said and "secret" not in said
