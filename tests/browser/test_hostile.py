"""What nobody should send is a text in the browser, wherever it stands, and can be read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otelier.web.pages.rendering import path
from tests.browser.looks import wider
from tests.browser.stores.markup import PIECES
from tests.browser.watching import Watched, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What only markup of somebody else's can bring into a page: all that the policy forbids, and more.
FOREIGN = """() => {
    const told = [];
    const harmful = /^\\s*(javascript|vbscript|file|data:(?!image\\/(png|jpeg|gif|webp)[;,]))/i;
    const elsewhere = url => new URL(url, location.href).origin !== location.origin;
    const forbidden = "iframe, object, embed, base, style, math, video[autoplay], audio[autoplay],"
        + "meta[http-equiv], foreignObject, maction, [autofocus], [formaction], [srcdoc]";
    for (const element of document.querySelectorAll("*")) {
        const why = [];
        if (element.matches(forbidden)) why.push("forbidden");
        for (const {name, value} of element.attributes) {
            if (/^(data-)?(on|hx-on)/i.test(name)) why.push(name);
            if (/(href|src|action|data|poster)$/i.test(name) && harmful.test(value)) why.push(name);
            if (/^(data-)?hx-(get|post|put|patch|delete)$/i.test(name) && elsewhere(value))
                why.push(name);
        }
        if (element.matches("script:not([src])")) why.push("inline");
        if (element.matches("script, img, link, form, button, source, use")) {
            const url = element.getAttribute("src") || element.getAttribute("href")
                || element.getAttribute("action");
            if (url && !url.startsWith("data:") && elsewhere(url)) why.push(url);
        }
        if (why.length) told.push(`${why}: ${element.outerHTML.slice(0, 200)}`);
    }
    return told;
}"""

KNOWN = re.compile("[0-9a-f]{32} [0-9a-f]{16}")


@pytest.fixture(scope="module")
def steps(store: Callable[[str], Path]) -> dict[str, list[str]]:
    """Of each text the paths of the steps in its trace: two of each kind, see ``everywhere``."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(store("hostile"))) as connection:
        rows = connection.execute("SELECT trace_id, span_id, name FROM span ORDER BY id").fetchall()
    for trace_id, span_id, name in rows:
        for word in PIECES:
            if word in name:
                found.setdefault(word, []).append(f"/traces/{trace_id}/{span_id}")
    return found


@pytest.mark.parametrize("word", PIECES)
def test_a_text_is_a_text_wherever_it_stands(
    page: Page, served: Callable[..., str], store: Callable[[str], Path],
    steps: dict[str, list[str]], word: str,
) -> None:  # fmt: skip
    url = served(store("hostile"))
    assert len(steps[word]) == 18
    # Those with parts and lists, and the first one whose attributes are nothing but the text.
    for place in [steps[word][0], *steps[word][1::2]]:
        page.goto(url + place)
        assert word in page.locator("main").inner_text(), place
        assert page.evaluate(FOREIGN) == [], place
    assert page.evaluate("window.__hit") is None


@pytest.mark.parametrize("known", [True, False], ids=["ids of OTLP", "others"])
def test_a_step_of_whatever_kind_is_shown(
    page: Page, watched: Watched, served: Callable[..., str], store: Callable[[str], Path],
    known: bool,
) -> None:  # fmt: skip
    """Values of all types, what is no message, huge ones, clocks that jump, ids that are none."""
    from playwright.sync_api import Error

    url = served(store("hostile"))
    if not known:
        # Nobody can ask for a step without an id, say.
        watched.expect("refused", ": 404$")
        watched.expect("refused", ": 414$")
    for trace_id, span_id in others(store("hostile"), known):
        tab = page.context.new_page()
        try:
            tab.goto(url + path("traces", trace_id, span_id))
            for told in (*tab.evaluate(FOREIGN), wider(tab)):
                if told:
                    watched.note("wide", told)
            settle(tab)
        except Error as error:
            watched.note("failed", str(error))
        tab.close()


def others(store: Path, known: bool) -> list[tuple[str, str]]:
    """Traces and steps that are none of the texts'; with ids as OTLP has them, or others."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(
            "SELECT trace_id, span_id FROM span WHERE name NOT LIKE '%mark0%' ORDER BY id"
        ).fetchall()
    found = [row for row in rows if bool(KNOWN.fullmatch(" ".join(row))) is known]
    assert len(found) > 50
    return found
