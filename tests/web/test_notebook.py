"""``otelier.web.trace()``: in a real notebook, in IPython, and in plain Python."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

import otelier
import otelier.web
from otelier import semconv as s
from otelier.store.engine import MissingError, StoreError
from otelier.viewer.tree import render
from otelier.web import sharing
from tests.cli.running import few
from tests.store.made import chat, span, talk, written

FIRST, NEWEST = f"{1:032x}", f"{0xAB:032x}"
UNTIL = 60


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = written(tmp_path / "t.db", [span(0), chat(0xAA, talk(2))])
    monkeypatch.setenv("OTELIER_STORE", str(path))
    return path


def test_the_newest_or_one_by_the_beginning_of_its_id(store: Path, tmp_path: Path) -> None:
    assert otelier.web.trace().id == NEWEST
    assert otelier.web.trace(FIRST[:-1] + "1").id == FIRST
    other = written(tmp_path / "o.db", [span(7)])
    assert otelier.web.trace(store=other).id == f"{8:032x}"
    assert otelier.web.trace(f"{8:032x}"[:32], str(other)).id == f"{8:032x}"


def test_what_is_not_there_is_told(store: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no trace whose id begins with abc"):
        otelier.web.trace("abc")
    with pytest.raises(StoreError, match="more than one trace has an id that begins with 0"):
        otelier.web.trace("0")
    with pytest.raises(MissingError, match="there is no store at"):
        otelier.web.trace(store=tmp_path / "none.db")
    with pytest.raises(StoreError, match="no spans in"):
        otelier.web.trace(store=written(tmp_path / "empty.db", []))


def test_it_is_a_value_that_prints_as_the_terminals_tree(store: Path) -> None:
    found = otelier.web.trace()
    assert str(found) == render(found.spans) and "chat gpt-4o" in str(found)
    assert repr(found) == f"<Trace {NEWEST}: 1 span>"
    assert found == otelier.web.trace() and found != otelier.web.trace(FIRST)
    with pytest.raises(FrozenInstanceError):
        found.spans = ()  # type: ignore[misc]


def test_what_this_program_has_finished_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import otelier, otelier.web\n"
        "otelier.instrument()\n"
        "with otelier.workflow('just now'):\n    pass\n"
        "print(otelier.web.trace())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=few(
            OTELIER_STORE=str(tmp_path / "t.db"),
            OTEL_TRACES_EXPORTER="otelier",
            OTELIER_CONFIGURE_SDK="true",
            # Nothing would be sent in time by itself.
            OTEL_BSP_SCHEDULE_DELAY="600000",
        ),
        capture_output=True,
        text=True,
    )
    assert "workflow just now" in done.stdout, done.stderr


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "jinja2", "markdown_it", "rich"])
def test_importing_it_imports_no_package_of_the_pages(name: str) -> None:
    program = f"import sys, otelier.web; assert {name!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", program], env=few(), check=True)


# --- as HTML ----------------------------------------------------------------------------------


def test_its_html_is_redacted_and_says_so(store: Path, tmp_path: Path) -> None:
    said = '[{"role":"user","parts":[{"type":"text","content":"password: hunter2"}]}]'
    one = chat(1, talk(1), attributes={s.INPUT_MESSAGES: said})
    found = otelier.web.trace(store=written(tmp_path / "s.db", [one]))
    html = found._repr_html_()
    assert html is not None and "hunter2" not in html and "[REDACTED]" in html
    assert "Secrets were looked for once more" in html and "<script" not in html
    # What it holds is what was recorded.
    assert "hunter2" in found.spans[0].attributes[s.INPUT_MESSAGES]


def test_the_mask_of_the_notebooks_own_program_is_in_force(store: Path) -> None:
    otelier.instrument(mask=lambda name, value: [], configure_sdk=False)
    html = otelier.web.trace()._repr_html_()
    assert html is not None and "user 0" not in html
    assert "the program&#39;s own mask" in html


def test_its_html_is_bounded(tmp_path: Path) -> None:
    spans = [
        chat(n, talk(1), attributes={"x": f"{n} " * 30_000}, trace_id=FIRST) for n in range(400)
    ]
    html = otelier.web.trace(store=written(tmp_path / "t.db", spans))._repr_html_()
    assert html is not None and len(html) < 1.6 * sharing.NOTEBOOK.bytes
    assert f"Of 400 spans the first {sharing.NOTEBOOK.spans} are here." in html
    assert "only the row is here: more than 1 MB." in html


@pytest.mark.parametrize("name", ["jinja2", "markdown_it"])
def test_without_the_packages_of_the_pages_it_is_text(
    name: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    found = otelier.web.trace()
    told, _ = formatters.DisplayFormatter().format(found)
    assert set(told) == {"text/plain", "text/html"}
    monkeypatch.setitem(sys.modules, name, None)
    assert found._repr_html_() is None
    told, _ = formatters.DisplayFormatter().format(found)
    assert told == {"text/plain": str(found)}


def test_a_real_notebook_shows_it(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    nbconvert = pytest.importorskip("nbconvert")
    for variable, value in few().items():
        monkeypatch.setenv(variable, value)
    cells = [
        "import otelier.web\nfound = otelier.web.trace()\nfound",
        f"otelier.web.trace({FIRST!r})",
        "print(found)",
    ]
    book: Any = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    nbclient.NotebookClient(book, timeout=UNTIL, kernel_name="python3").execute()
    shown = [cell.outputs[0] for cell in book.cells]
    expected = otelier.web.trace()
    assert shown[0].data["text/html"] == expected._repr_html_()
    assert shown[0].data["text/plain"] == str(expected)
    assert FIRST in shown[1].data["text/html"] and shown[2].text == f"{expected}\n"
    page, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    assert page.count('<div class="otelier-trace">') == 2 and "user 0" in page
