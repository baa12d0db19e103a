"""``otelier export --html`` over real stores: which trace, which file, what is left alone."""

from __future__ import annotations

import importlib.util
import json
import stat
import sys
from pathlib import Path

import pytest

from otelier import semconv as s
from otelier.cli.main import main
from tests.store.made import chat, message, span, talk, written

# Traces are numbered from 1 on: these begin alike, but for the last digits.
FIRST, SECOND, NEWEST = (f"{number:032x}" for number in (1, 2, 0xAB))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three traces; the current folder is empty."""
    spans = [span(0), span(1, "second"), chat(0xAA, talk(2))]
    path = written(tmp_path / "t.db", spans)
    monkeypatch.setenv("OTELIER_STORE", str(path))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return path


def here() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_trace_by_its_id(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--html", NEWEST, "out.html"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("exported chat gpt-4o to out.html. Secrets were looked for")
    assert said.err == ""
    text = Path("out.html").read_text()
    assert text.startswith("<!doctype html>") and NEWEST in text and "user 0" in text
    assert str(store) not in text and str(store.parent) not in text
    assert stat.S_IMODE(Path("out.html").stat().st_mode) == 0o600 and here() == ["out.html"]


@pytest.mark.parametrize(
    ("words", "trace"),
    [(["last"], NEWEST), ([FIRST], FIRST), ([SECOND[:-1] + "2"], SECOND), ([NEWEST[:31]], NEWEST)],
)
def test_which_trace(words: list[str], trace: str, store: Path) -> None:
    assert main(["export", "--html", *words, "out.html"]) == 0
    assert trace in Path("out.html").read_text()


def test_upper_case_is_the_same(store: Path) -> None:
    assert main(["export", "--html", NEWEST.upper(), "out.html"]) == 0
    assert NEWEST in Path("out.html").read_text()


def test_without_a_name_it_is_called_as_its_trace(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = written(store.parent / "o.db", [span(1, trace_id="4bf92f35" + "0" * 24)])
    assert main(["export", "--html", "4bf9", "--store", str(other)]) == 0
    assert here() == ["trace-4bf92f35.html"]
    assert "to trace-4bf92f35.html" in capsys.readouterr().out


def test_standard_output(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", "--html", "last", "-"]) == 0
    said = capfdbinary.readouterr()
    assert said.out.startswith(b"<!doctype html>") and said.out.rstrip().endswith(b"</html>")
    assert here() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fff"], "no trace whose id begins with fff in"),
        (["not an id"], "no trace whose id begins with not an id in"),
        (["0000"], f"more than one trace has an id that begins with 0000: {FIRST}, {SECOND}, "),
    ],
)
def test_a_trace_that_is_not_one(
    words: list[str], told: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--html", *words]) == 1
    assert told in capsys.readouterr().err and here() == []


def test_no_store_and_no_spans(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--html", "last", "--store", str(tmp_path / "none.db")]) == 1
    assert "there is no store at" in capsys.readouterr().err
    assert main(["export", "--html", "last", "--store", str(written(tmp_path / "e.db", []))]) == 1
    assert "no spans in" in capsys.readouterr().err
    assert here() == []


def test_what_is_there_stays(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = Path("notes.html")
    mine.write_text("<p>my own</p>")
    assert main(["export", "--html", "last", "notes.html"]) == 2
    assert "notes.html is there and no exported trace" in capsys.readouterr().err
    assert mine.read_text() == "<p>my own</p>"
    before = store.read_bytes()
    assert main(["export", "--html", "last", str(store)]) == 2
    assert "is a database and left as it is" in capsys.readouterr().err
    assert store.read_bytes() == before
    # Nor is what stands where the name would be that nobody said.
    Path(f"trace-{NEWEST[:8]}.html").write_text("mine, too")
    assert main(["export", "--html", "last"]) == 2
    assert "mine, too" in Path(f"trace-{NEWEST[:8]}.html").read_text()


def test_an_export_takes_the_place_of_another_and_of_nothing(store: Path) -> None:
    Path("made.html").touch()
    assert main(["export", "--html", FIRST, "made.html"]) == 0
    assert main(["export", "--html", SECOND, "made.html"]) == 0
    text = Path("made.html").read_text()
    assert SECOND in text and FIRST not in text and here() == ["made.html"]


def test_a_file_that_cannot_be_written(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--html", "last", "no/folder.html"]) == 1
    assert "no/folder.html: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--trace", "ab"],
        ["--session", "s"],
        ["--since", "24h"],
        ["--until", "24h"],
        ["--parquet", "x"],
    ],
)
def test_what_is_for_many_traces_is_not_for_one(
    words: list[str], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--html", "last", *words]) == 2
    assert f"{words[0]} is not for --html" in capsys.readouterr().err and here() == []


def test_without_its_packages_it_says_what_installs_them(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert importlib.util.find_spec("jinja2") is None
    assert main(["export", "--html", "last"]) == 2
    assert "pip install 'otelier[ui]'" in capsys.readouterr().err and here() == []


# --- by the rules in force --------------------------------------------------------------------


def test_what_was_recorded_with_a_secret_goes_out_without_it(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json.dumps([message("user", "password: hunter2, customer-4711, Bob")])
    path = written(tmp_path / "s.db", [chat(1, talk(1), attributes={s.INPUT_MESSAGES: said})])
    words = ["export", "--html", "last", "out.html", "--store", str(path)]

    def exported() -> str:
        assert main(words) == 0
        return Path("out.html").read_text()

    text = exported()
    assert "hunter2" not in text and "[REDACTED]" in text and "customer-4711" in text
    assert "by the built-in rules." in text
    (tmp_path / "patterns").write_text("customer-[0-9]+\n")
    monkeypatch.setenv("OTELIER_REDACT_PATTERNS", str(tmp_path / "patterns"))
    text = exported()
    assert "4711" not in text and "the built-in rules and 1 pattern of the user" in text
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "otelier_tests_mask.py").write_text(
        "def mask(name, value):\n    return [{'role': 'user', 'parts': []}]\n"
    )
    monkeypatch.setenv("OTELIER_MASK", "otelier_tests_mask:mask")
    text = exported()
    assert "Bob" not in text and "the program&#39;s own mask" in text
    monkeypatch.delenv("OTELIER_MASK")
    capsys.readouterr()
    monkeypatch.setenv("OTELIER_REDACT", "false")
    text = exported()
    assert "hunter2" in text and "Secrets were NOT looked for" in text
    assert "Secrets were NOT looked for" in capsys.readouterr().err


def test_a_mask_that_is_not_there_leaves_content_out_and_is_told(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTELIER_MASK", "otelier_tests_nowhere:mask")
    assert main(["export", "--html", "last", "out.html"]) == 0
    assert "user 0" not in Path("out.html").read_text()
    assert "which left out 2 texts" in capsys.readouterr().err
