"""What the site generates is of all that the code has."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import otelier
from manual import blocks, reference
from manual.attributes import MEANINGS
from otelier import semconv
from otelier.hooks.table import FRAMEWORKS, LIBRARIES
from otelier.setting_table import SETTINGS
from otelier.version import SITE

_NO_ATTRIBUTES = ("EVENT_", "OPENINFERENCE_", "SCHEMA_URL", "TOKEN_")


def test_every_attribute_is_told() -> None:
    source = Path(str(semconv.__file__)).read_text("utf-8")
    names = {
        value
        for name, value in vars(semconv).items()
        if isinstance(value, str)
        and re.search(rf"^{name}: Final =", source, re.MULTILINE)
        and not name.startswith(_NO_ATTRIBUTES)
        and "." in value
    }
    assert set(MEANINGS) == names
    assert {name for each in reference.sections().values() for name in each} == names


def test_blocks_know_how_they_are_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "---\ntitle: A page\n---\n\n"
        '```python title="app.py"\nprint(1)\n```\n\n'
        "<!-- run: background -->\n```sh\notelier ui\n```\n\n"
        "1. A list\n\n    ````text\n    ```\n    ````\n"
    )
    found = blocks.read(page)
    assert found.meta == {"title": "A page"}
    assert [
        (each.language, each.title, each.text, each.how, each.line) for each in found.blocks
    ] == [
        ("python", "app.py", "print(1)\n", "", 5),
        ("sh", "", "otelier ui\n", "background", 10),
        ("text", "", "```\n", "", 16),
    ]
    assert [each.language for each in found.runs] == ["python", "sh"]


def test_what_is_not_run_says_why() -> None:
    for page in blocks.pages():
        for block in page.runs:
            assert block.how in ("", "background", "continues", "fails") or re.match(
                r"no: \S", block.how
            ), f"{page.name}:{block.line}"


def test_every_library_has_a_page() -> None:
    for folder, table in (("libraries", LIBRARIES), ("frameworks", FRAMEWORKS)):
        metas = [blocks.read(path).meta for path in (blocks.DOCS / folder).glob("*.md")]
        told = {name for meta in metas for name in (meta.get("library"), *meta.get("also", ()))}
        assert {row.name for row in table} <= told


def _told() -> str:
    paths = [blocks.ROOT / "README.md", *blocks.DOCS.rglob("*.md")]
    return "\n".join(path.read_text("utf-8") for path in paths)


def test_settings_that_pages_name_exist() -> None:
    # The last is one that doctor finds misspelt.
    own = {setting.env for setting in SETTINGS} | {"OTELIER_TOKEN", "OTELIER_MESSAGE_BYTES"}
    named = set(re.findall(r"\bOTELIER_[A-Z_]*[A-Z]\b", _told()))
    assert named <= own


def test_names_of_python_that_pages_use_exist() -> None:
    named = set(re.findall(r"\botelier\.([a-z_]+)\(", _told()))
    named |= set(re.findall(r"@otelier\.([a-z_]+)", _told()))
    assert {name for name in named if not hasattr(otelier, name)} == set()


def test_attributes_of_ours_that_pages_name_exist() -> None:
    prefixes = tuple(name for name in MEANINGS if name.endswith("."))
    named = set(re.findall(r"`(otelier\.[a-z_]+\.[a-z0-9_.]*[a-z0-9])`", _told()))
    unknown = {name for name in named - set(MEANINGS) if not name.startswith(prefixes)}
    assert {name for name in unknown if not _in_python(name)} == set()


def _in_python(name: str) -> bool:
    module, _, member = name.removesuffix("()").rpartition(".")
    return importlib.util.find_spec(module) is not None and hasattr(
        importlib.import_module(module), member
    )


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (blocks.ROOT / "README.md").read_text("utf-8")
    for path in re.findall(rf"{re.escape(SITE)}([\w/-]*)", text):
        page = blocks.DOCS / path
        assert page.with_suffix(".md").exists() or (page / "index.md").exists(), path
    for path in re.findall(r"\]\((?!https?:|#)([^)]*)\)", text):
        assert (blocks.ROOT / path).exists(), path


_COUNTED = {
    "a small call of chat": "chat, small",
    "100 messages, every text new (Anthropic)": "messages, large, every text new",
    "a chunk of a stream of chat": "a chunk of chat, content on",
}


def test_costs_in_the_readme_are_those_that_were_counted() -> None:
    told = _rows((blocks.ROOT / "README.md").read_text("utf-8"))
    counted = _rows((blocks.ROOT / "benchmarks" / "README.md").read_text("utf-8"))
    for short, name in _COUNTED.items():
        # Beside names: the bare SDK, the goal and the floor; multiples of the floor in brackets.
        adds = [float(re.sub(r" \(.*|,", "", each)) for each in counted[name][3:]]
        assert told[short] == [f"{each:,.0f}" for each in adds], name


def _rows(text: str) -> dict[str, list[str]]:
    """The first row of each name, of all tables."""
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (.*) \|$", text, re.MULTILINE):
        name, *cells = line.split(" | ")
        found.setdefault(name, cells)
    return found
