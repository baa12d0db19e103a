"""What pages are made with: nothing comes from elsewhere, and what others made is as it was."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import otelier

WEB = Path(otelier.__file__).parent / "web"
VENDOR = WEB / "static" / "vendor"
OURS = sorted(
    path
    for folder in ("static", "templates")
    for path in (WEB / folder).rglob("*")
    if path.suffix in (".html", ".js", ".css", ".svg") and VENDOR not in path.parents
)


def test_what_others_made_is_as_it_was() -> None:
    told = tomllib.loads((VENDOR / "VENDORED.toml").read_text())["package"]
    sums = {name: digest for package in told for name, digest in package["sha256"].items()}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "VENDORED.toml"
    }
    assert found == sums
    for package in told:
        assert package["license"] in ("0BSD", "MIT")
        # The licence is beside the files.
        assert any(name.endswith(".LICENSE") for name in package["sha256"])
        assert any(package["version"] in (VENDOR / n).read_text() for n in package["sha256"])


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_is_asked_for_elsewhere(path: Path) -> None:
    text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text), "an address of elsewhere"


@pytest.mark.parametrize(
    "path", [path for path in OURS if path.suffix == ".html"], ids=lambda path: path.name
)
def test_templates_have_no_scripts_or_styles_in_them(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert "|safe" not in text.replace(" ", "") and "autoescape" not in text
    # A file of its own has its sheet in it, and a policy that names that sheet's hash alone.
    styles = 1 if path.name == "shared.html" else 0
    assert len(re.findall(r"\sstyle\s*=|<style", text)) == styles


@pytest.mark.parametrize(
    "path", [path for path in OURS if path.suffix == ".js"], ids=lambda path: path.name
)
def test_scripts_make_no_markup_of_texts(path: Path) -> None:
    """But of what the server made: then it says so in that line or the one above."""
    lines = path.read_text().splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", line):
            assert "made by the server" in before + line, line
        assert not re.search(r"\beval\(|new Function", line)
