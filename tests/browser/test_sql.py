"""The page SQL in a browser: asked by mouse and by keyboard, of hostile stores, from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from otelier.store import queries
from tests.browser.looks import LOOKS, assert_fits, expect, shot
from tests.browser.serving import Answer, site
from tests.browser.watching import Watched
from tests.store.made import chat, talk, written
from tests.store.test_queries import ENDLESS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Served = Callable[..., str]
Store = Callable[[str], Path]
MODELS = "SELECT model, count(*) AS calls, sum(cost) AS cost\nFROM spent\nGROUP BY model"


def asked(url: str, query: str) -> str:
    return f"{url}/sql?{urlencode({'q': query})}"


def rows(page: Page) -> Locator:
    return page.locator("table.result tbody tr")


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_a_result_at_a_glance(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    look = request.node.callspec.params["page"]
    url = served(store("many"))
    page.goto(f"{url}/sql")
    assert page.locator(".view").count() == len(page.locator(".view summary b").all_inner_texts())
    assert_fits(page)
    shot(page, f"sql-empty-{look}")
    page.goto(asked(url, MODELS))
    expect(page.get_by_role("heading", level=2)).to_have_text("6 rows")
    assert_fits(page)
    page.goto(asked(url, "SELECT * FROM calls"))
    expect(page.get_by_role("heading", level=2)).to_have_text("more than 1,000 rows")
    expect(rows(page)).to_have_count(1000)
    assert_fits(page)
    shot(page, f"sql-{look}")


def test_by_keyboard_alone(page: Page, served: Served, store: Store) -> None:
    page.goto(f"{served(store('many'))}/sql")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("SELECT trace_id, span_id, session FROM calls LIMIT 2")
    page.keyboard.press("Control+Enter")
    expect(rows(page)).to_have_count(2)
    link = page.url
    page.locator("#q").focus()
    for _ in range(50):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('td')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces/*")
    page.go_back()
    assert page.url == link
    expect(rows(page)).to_have_count(2)


def test_examples_and_views_are_a_click_away(page: Page, served: Served, store: Store) -> None:
    url = f"{served(store('many'))}/sql"
    for example in queries.EXAMPLES:
        page.goto(url)
        page.get_by_label("Examples").get_by_role("link", name=example.title).click()
        expect(page.get_by_role("region", name="Result")).to_be_visible()
        assert rows(page).count() > 0, example.title
        assert page.locator("#q").input_value() == example.sql
    page.goto(url)
    page.locator(".view", has_text="tool_calls").locator("summary").click()
    page.get_by_role("link", name="the first 20 rows").locator("visible=true").click()
    expect(rows(page)).to_have_count(20)
    assert page.locator("#q").input_value() == "SELECT *\nFROM tool_calls\nLIMIT 20"


def test_errors_stand_below_the_query(
    page: Page, watched: Watched, served: Served, store: Store
) -> None:
    watched.expect("refused", r"/sql\?.*: 400")
    page.goto(f"{served(store('many'))}/sql")
    page.locator("#q").fill("SELECT wrong\nFROM calls")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_have_text("no such column: wrong")
    assert page.locator("#q").input_value() == "SELECT wrong\nFROM calls"


def test_a_heavy_query_is_stopped(
    page: Page, watched: Watched, served: Served, store: Store
) -> None:
    watched.expect("refused", r"/sql\?.*: 400")
    url = served(store("many"), "--sql-seconds", "0.2")
    page.goto(asked(url, ENDLESS))
    expect(page.get_by_role("alert")).to_have_text("it took longer than 0.2 s and was ended")
    page.goto(asked(url, "SELECT 1"))
    expect(rows(page)).to_have_count(1)


def test_a_query_longer_than_a_url_is_asked_all_the_same(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(f"{served(store('many'))}/sql")
    long = f"SELECT 42 AS answer -- {'é' * 60_000}"
    page.locator("#q").fill(long)
    page.get_by_role("button", name="Run").click()
    expect(rows(page)).to_have_text("42")
    assert page.url.endswith("/sql")
    assert page.locator("#q").input_value() == long
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    assert json.loads(download.value.path().read_text()) == [{"answer": 42}]


def test_results_are_files(page: Page, served: Served, store: Store) -> None:
    page.goto(asked(served(store("many")), "SELECT 'a\r\n\u202e' AS x, 1.5 AS y"))
    for name, told in (("CSV", 'x,y\n"a\n\u202e",1.5\n'), ("JSON", None)):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == f"otelier.{name.lower()}"
        text = download.value.path().read_text()
        assert told is None or text == told
    assert json.loads(text) == [{"x": "a\n\u202e", "y": 1.5}]


def test_a_long_text_is_folded_among_others(page: Page, served: Served, store: Store) -> None:
    url = served(store("many"))
    word = "SELECT replace(hex(zeroblob(5000)), '00', 'abc ') || 'the end' AS text"
    page.goto(asked(url, word))
    text = page.locator("td").get_by_text("the end")
    expect(text).to_be_visible()
    page.goto(asked(url, f"{word} UNION ALL SELECT 'short'"))
    expect(text).to_be_hidden()
    page.locator("td summary").click()
    expect(text).to_be_visible()


@pytest.mark.parametrize("page", LOOKS[:2], indirect=True, ids=str)
def test_hostile_values_are_values(page: Page, served: Served, store: Store) -> None:
    """Nothing of them runs, and names of columns are as hostile."""
    url = served(store("hostile"))
    for query in (
        "SELECT * FROM calls ORDER BY length(name) LIMIT 1000",
        "SELECT * FROM messages LIMIT 1000",
        "SELECT * FROM attributes LIMIT 1000",
        "SELECT * FROM tool_calls",
        "SELECT * FROM sessions",
        'SELECT 1 AS "<script>window.__hit = 1</script>", 2 AS "\' onclick=\'window.__hit = 2"',
        "SELECT name AS trace_id, name AS session, trace_id AS span_id FROM calls LIMIT 300",
    ):
        page.goto(asked(url, query))
        assert rows(page).count() > 0, query
        assert_fits(page)
    links = page.locator("td a").evaluate_all("links => links.map(link => link.href)")
    assert links and all(link.startswith(f"{url}/") for link in links)


def test_a_hostile_query_is_text(
    page: Page, watched: Watched, served: Served, store: Store
) -> None:
    watched.expect("refused", r"/sql\?.*: 400")
    query = "</textarea><script>window.__hit = 1</script>\u202e"
    page.goto(asked(served(store("many")), query))
    assert page.locator("#q").input_value() == query
    assert page.get_by_role("alert").count() == 1


def test_a_page_elsewhere_runs_nothing(
    page: Page, watched: Watched, served: Served, store: Store
) -> None:
    """Its link, its window and its frame show the query, and the reader may run it."""
    query = "SELECT 40 + 2 AS answer"
    url = asked(served(store("many")), query)
    frame = f"<iframe src='{url}'></iframe>"
    other = Answer(f"<!doctype html><link rel=icon href='data:,'><a href='{url}'>look</a>{frame}")
    # The frame is not answered, and stays empty.
    watched.expect("refused", r"/sql\?.*: 403")
    watched.expect("csp", "frame-ancestors")
    watched.expect("failed", "ERR_BLOCKED_BY_RESPONSE")
    watched.expect("foreign", "evil.test")
    with site({"/": other}) as elsewhere:
        page.goto(elsewhere.replace("127.0.0.1", "evil.test"))
        page.get_by_role("link", name="look").click()
        expect(page.get_by_role("alert")).to_contain_text("A page of another site")
        assert page.locator("#q").input_value() == query
        assert rows(page).count() == 0
        page.get_by_role("button", name="Run").click()
        expect(rows(page)).to_have_text("42")


def test_it_says_what_to_do_where_nothing_is(page: Page, served: Served, tmp_path: Path) -> None:
    url = served(written(tmp_path / "t.db", [chat(1, talk(1))]))
    page.goto(asked(url, "SELECT * FROM calls WHERE model = 'none'"))
    expect(page.get_by_text("Nothing is like that.")).to_be_visible()
    expect(page.get_by_role("columnheader").first).to_have_text("time")
