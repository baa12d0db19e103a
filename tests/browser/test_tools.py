"""Tools and data sources: sums of each, which open to runs and searches."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest

from otelier import questions
from otelier.store.writer import Writer
from otelier.viewer.text import duration, size
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.browser.stores.markup import mark
from tests.store.made import SECOND, span, written

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Served = Callable[..., str]
Store = Callable[[str], Path]
TOOLS = "/tools?since=all"
NAMES = "all => all.map(each => each.innerText.replace(/^\\S+\\s/, ''))"


def rows(page: Page, which: int = 0) -> Locator:
    return page.locator("table.tools-run").nth(which).locator("tbody > tr:not(.opened)")


def names(page: Page, which: int = 0) -> list[str]:
    found: list[str] = rows(page, which).locator("a.name").evaluate_all(NAMES)
    return found


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_rows_are_what_the_questions_say(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    look = request.node.callspec.params["page"]
    page.goto(served(store("many")) + TOOLS + "&sizes=1")
    tools = questions.tools(sizes=True, store=store("many"))
    assert names(page) == [row.tool for row in tools]
    for row, shown in zip(tools, rows(page).all(), strict=True):
        cells = [each.strip() for each in shown.inner_text().split("\t")]
        assert cells[1] == str(row.runs)
        assert cells[2].split()[0] == str(row.failed)
        assert cells[3] == duration(row.mean_seconds)
        if look.size is not PHONE:
            sizes = [row.argument_bytes, row.result_bytes, row.largest]
            assert cells[4:] == [
                duration(row.slowest),
                *(size(each) for each in sizes if each is not None),
                f"{row.last:%Y-%m-%d %H:%M:%S}",
            ]
    sources = questions.sources(store=store("many"))
    assert names(page, 1) == [row.data_source for row in sources]
    for source, shown in zip(sources, rows(page, 1).all(), strict=True):
        cells = shown.inner_text().split("\t")
        assert cells[1] == str(source.searches)
        assert cells[2].split()[0] == str(source.failed)
    assert_fits(page)
    rows(page).first.locator("a.name").click()
    expect(page.locator(".run")).to_have_count(10)
    assert_fits(page)
    shot(page, f"tools-{look}")


def test_a_tool_opens_to_its_runs_with_arguments_and_result_side_by_side(
    page: Page, served: Served, store: Store
) -> None:
    path = store("pipeline")
    page.goto(served(path) + TOOLS)
    page.get_by_role("link", name="leave_balance").click()
    (run,) = questions.runs(tool="leave_balance", store=path)
    shown = page.locator(".run")
    expect(shown).to_have_count(1)
    assert f"{run.time:%Y-%m-%d %H:%M:%S}" in shown.inner_text()
    given, gave = shown.locator(".given"), shown.locator(".gave")
    for told, place in ((run.arguments, given), (run.result, gave)):
        assert all(str(word) in place.inner_text() for each in told.items() for word in each)
    boxes = [place.bounding_box() for place in (given, gave)]
    assert boxes[0] and boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    # Which model asked for it, and the way to its answer.
    assert "gpt-6.1-sol (1)" in page.locator(".opened").inner_text()
    shown.get_by_role("link", name="asked by gpt-6.1-sol").click()
    page.wait_for_url(f"**/traces/{run.trace_id}/{run.asked_by}")
    page.go_back()
    shown.locator("a.to").click()
    page.wait_for_url(f"**/traces/{run.trace_id}/{run.span_id}")


def test_a_source_opens_to_what_was_looked_for(page: Page, served: Served, store: Store) -> None:
    path = store("pipeline")
    page.goto(served(path) + TOOLS)
    page.get_by_role("link", name="handbook").click()
    (found,) = questions.retrievals(store=path)
    shown = page.locator(".run")
    expect(shown).to_contain_text(found.query)
    expect(shown).to_contain_text(f"{found.documents} documents")
    shown.locator("a.to").click()
    page.wait_for_url(f"**/traces/{found.trace_id}/{found.span_id}")
    expect(page.locator("#step")).to_contain_text("3 documents")


def test_failing_ones_come_first_if_asked_and_their_failures_alone_are_a_link_away(
    page: Page, served: Served, store: Store
) -> None:
    path = store("many")
    page.goto(served(path) + TOOLS)
    page.get_by_role("link", name="failing first").click()
    page.wait_for_url("**order=failed*")
    tools = questions.tools(order="failed", store=path)
    assert names(page) == [row.tool for row in tools]
    assert names(page, 1) == [
        row.data_source for row in questions.sources(order="failed", store=path)
    ]
    page.get_by_role("link", name=tools[0].tool).click()
    page.get_by_role("link", name="failed", exact=True).click()
    failed = questions.runs(tool=tools[0].tool, failed=True, store=path)
    expect(page.locator(".run.failed")).to_have_count(len(failed))
    assert page.locator(".run").count() == len(failed) == tools[0].failed > 1
    for each, shown in zip(failed, page.locator(".run").all(), strict=True):
        assert each.error in shown.inner_text() and each.message in shown.inner_text()
    assert "order=failed" in page.url
    page.get_by_role("link", name="handbook").click()
    page.get_by_role("link", name="failed", exact=True).click()
    searches = questions.retrievals(data_source="handbook", failed=True, store=path)
    expect(page.locator(".run.failed")).to_have_count(len(searches))
    expect(page.locator(".run").first).to_contain_text("TimeoutError")


def test_all_runs_are_reached_page_by_page(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    page.goto(served(path) + TOOLS + "&open=search_orders")
    links: list[str] = []
    while True:
        links += page.locator(".run a.to").evaluate_all(
            "all => all.map(each => each.href.split('/').at(-1))"
        )
        if not page.get_by_role("link", name="Older").count():
            break
        page.get_by_role("link", name="Older").click()
        page.wait_for_url(f"**cursor=*{links[-1]}*")
    runs = questions.runs(tool="search_orders", limit=0, store=path)
    assert links == [run.span_id for run in runs] and len(links) > 30


def test_conditions_and_the_period_are_links(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    page.goto(served(path) + "/tools")
    expect(page.locator(".empty")).to_contain_text("in the last 24h")
    page.get_by_role("link", name="At any time").click()
    user = questions.runs(store=path)[0].user
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("user", exact=True).fill(user)
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**user=*")
    assert names(page) == [row.tool for row in questions.tools(user=user, store=path)]
    assert names(page, 1) == [row.data_source for row in questions.sources(user=user, store=path)]
    # One of a tool says nothing of data sources.
    page.goto(served(path) + TOOLS + "&tool=open_ticket")
    expect(page.locator("table.tools-run")).to_have_count(1)
    assert names(page) == ["open_ticket"]
    page.locator(".chip.on", has_text="tool").click()
    expect(page.locator("table.tools-run")).to_have_count(2)
    # Sizes are there for a day; of longer stretches if they are asked for.
    assert page.get_by_text("Largest").count() == 0
    page.get_by_role("link", name="with sizes").click()
    expect(page.get_by_text("Largest")).to_have_count(1)


def test_the_keyboard_is_enough(page: Page, served: Served, store: Store) -> None:
    page.goto(served(store("pipeline")) + TOOLS)
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**open=*")
    expect(page.locator(".run")).to_have_count(1)
    page.keyboard.press("k")
    expect(page.locator("a.name").last).to_be_focused()


def test_what_runs_now_shows_up_by_itself_with_its_sizes(
    page: Page, served: Served, tmp_path: Path
) -> None:
    now = round(datetime.now(UTC).timestamp()) * SECOND
    told = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.call.arguments": json.dumps({"n": 1}),
        "gen_ai.tool.call.result": "x" * 2_000_000,
    }
    more = {"start_ns": now, "end_ns": now + SECOND}
    path = written(tmp_path / "t.db", [span(1)])
    page.goto(served(path) + "/tools")
    expect(page.locator(".empty")).to_contain_text("No tool was run")
    Writer(path).write([span(2, attributes=told, **more)])
    expect(rows(page)).to_have_count(1, timeout=20_000)
    assert "2.0 MB" in rows(page).inner_text()
    # From what it asks for first the page knows what is new later.
    with page.expect_response("**/live*"):
        rows(page).locator("a.name").click()
    expect(page.locator(".gave .cut")).to_have_text("… 1,980,000 more characters · all of it")
    Writer(path).write([span(3, attributes={**told, "error.type": "E"}, status="ERROR", **more)])
    expect(page.locator(".run")).to_have_count(2, timeout=20_000)
    assert_fits(page)


HOSTILE = ("script", "image", "svg", "out of double quotes", "htmx", "right to left", "SQL", "path")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_nobody_should_send_is_a_text(
    page: Page, served: Served, store: Store, name: str
) -> None:
    path, word = store("hostile"), mark(name)
    tool = next(row.tool for row in questions.tools(limit=0, store=path) if word in row.tool)
    for what in ("open", "source"):
        page.goto(f"{served(path)}{TOOLS}&user={quote_plus(tool)}&{what}={quote_plus(tool)}")
        shown = page.locator(".run")
        assert shown.count() == 2
        for each in shown.all():
            assert word in each.inner_text()
        assert word in page.locator("#opened").inner_text()
        assert_fits(page)
