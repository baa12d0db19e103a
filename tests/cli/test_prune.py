"""``otelier prune`` over a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelier.cli.main import main
from otelier.store.spans import StoredLog
from otelier.store.writer import Writer
from tests.store.made import MOMENT, span


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "t.db"
    # Of 2026-11-20, and of a time that is still to come.
    writer = Writer(path)
    later = 2_000_000_000 * 10**9
    writer.write([span(0), span(1), span(2, start_ns=later * 2, end_ns=later * 2)])
    writer.close()
    monkeypatch.setenv("OTELIER_STORE", str(path))
    return path


def test_prune_says_what_it_did(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune"]) == 0
    assert capsys.readouterr().out.startswith("0 spans forgotten, 0 bytes given back; ")
    assert main(["prune", "--keep", "1s"]) == 0
    assert capsys.readouterr().out.startswith("2 spans forgotten, ")
    assert main(["prune", "--keep", "1s"]) == 0
    assert capsys.readouterr().out.startswith("0 spans forgotten, ")


def test_events_are_forgotten_too(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer = Writer(store)
    writer.write((), [StoredLog(MOMENT, name="gen_ai.evaluation.result")])
    writer.close()
    assert main(["prune", "--keep", "1s"]) == 0
    assert capsys.readouterr().out.startswith("2 spans and 1 event forgotten, ")


def test_the_settings_say_what_is_kept(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTELIER_STORE_KEEP", "1s")
    assert main(["prune"]) == 0
    assert capsys.readouterr().out.startswith("2 spans forgotten, ")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--store", "nowhere.db"], 1, "there is no store at nowhere.db"),
        (["--store", __file__], 1, "no database"),
        (["--keep", "old"], 2, "use "),
        (["--size", "big"], 2, "use "),
    ],
)
def test_what_cannot_be_done_is_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    try:
        found = main(["prune", *words])
    except SystemExit as end:
        found = int(end.code or 0)
    told = capsys.readouterr().err
    assert found == code and said in told
    assert not Path("nowhere.db").exists()
