"""Search in a browser: what was said, and what an id is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from otelier import questions
from tests.browser.looks import LOOKS, assert_fits, expect, shot
from tests.store.made import chat, message, written

if TYPE_CHECKING:
    from playwright.sync_api import Page

Served = Callable[..., str]
Store = Callable[[str], Path]
HOSTILE = '<img src=x onerror="window.__hit=1"> crimson <script>window.__hit=1</script>'


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_a_hit_leads_to_where_it_was_said(page: Page, served: Served, store: Store) -> None:
    page.goto(f"{served(store('pipeline'))}/traces")
    page.keyboard.press("/")
    page.keyboard.type("carry over")
    page.keyboard.press("Enter")
    hits = page.locator("a.hit")
    hits.first.wait_for()
    expect(page.locator("a.hit mark", has_text="carry").first).to_be_visible()
    assert_fits(page)
    shot(page, "search")
    page.locator("a.hit", has_text="carry over").first.click()
    page.locator(".chosen").wait_for()
    assert "/traces/" in page.url
    expect(page.locator("#step")).to_contain_text("carry over")


def test_the_hits_are_those_of_the_question(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    for words in ("pote", '"she said"', "kina pote"):
        page.goto(f"{served(path)}/search?text={quote(words)}")
        found = questions.search(words, store=path, once=True, limit=50)
        assert found
        expect(page.locator("a.hit")).to_have_count(len(found))


def test_an_id_leads_straight_to_what_it_is_of(page: Page, served: Served, store: Store) -> None:
    path = store("pipeline")
    url = served(path)
    call = questions.calls(store=path, models=True, limit=1)[0]
    wanted = {
        call.trace_id: f"/traces/{call.trace_id}",
        call.span_id: f"/traces/{call.trace_id}/{call.span_id}",
        call.response_id: f"/traces/{call.trace_id}/{call.span_id}",
    }
    for asked, where in wanted.items():
        page.goto(f"{url}/search?text={asked}")
        assert page.url.partition("?")[0] == url + where


def test_what_is_found_is_a_text(page: Page, served: Served, tmp_path: Path) -> None:
    said = [message("user", HOSTILE), message("assistant", "fine")]
    page.goto(f"{served(written(tmp_path / 't.db', [chat(0, said)]))}/search?text=crimson")
    expect(page.locator("a.hit")).to_contain_text("onerror")
    expect(page.locator("a.hit mark")).to_have_text("crimson")
    assert page.locator("main img, main script").count() == 0
    page.locator("a.hit").click()
    expect(page.locator(".bubble.user")).to_contain_text("crimson")
    assert page.evaluate("window.__hit") is None


def test_what_is_nowhere_is_said(page: Page, served: Served, store: Store) -> None:
    page.goto(f"{served(store('pipeline'))}/search?text=nowherewasthatsaid")
    expect(page.locator(".empty")).to_be_visible()
    assert page.locator("a.hit").count() == 0
