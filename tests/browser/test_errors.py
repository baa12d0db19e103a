"""Errors: the same in one row, each row opens to its newest ones with their tries."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otelier import questions
from otelier.store.writer import Writer
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.browser.stores.markup import mark
from tests.store.made import chat, message, span, written

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Served = Callable[..., str]
Store = Callable[[str], Path]
ERRORS = "/errors?since=all"


def groups(page: Page) -> Locator:
    return page.locator("table.errors tbody > tr.failed")


def link(page: Page, of: Any) -> Locator:
    return page.locator(f"#g-{of.alike} a.name")


def open_group(page: Page, of: Any) -> None:
    link(page, of).click()
    page.wait_for_url(f"**open={of.alike}*")


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_rows_are_what_the_question_says(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    page.goto(served(store("many")) + ERRORS)
    look = request.node.callspec.params["page"]
    rows = questions.errors(store=store("many"))
    assert groups(page).count() == len(rows) > 5
    for row in rows:
        cells = page.locator(f"#g-{row.alike} > td")
        assert cells.nth(0).locator("a").inner_text() == f"▸ {row.error}"
        assert cells.nth(4).inner_text() == f"{row.count:,}"
        assert f"{row.last:%H:%M:%S}" in cells.nth(5).inner_text()
        told = cells.nth(0) if look.size is PHONE else page.locator(f"#g-{row.alike}")
        for text in (row.code, row.message):
            assert text in told.inner_text()
    if look.size is not PHONE:
        timeouts = next(row for row in rows if row.error == "openai.APITimeoutError")
        assert all(model in groups(page).nth(2).inner_text() for model in timeouts.models)
    total = sum(row.count for row in rows)
    expect(page.locator("#list > p").first).to_have_text(f"{total} failures, {len(rows)} kinds.")
    assert_fits(page)
    open_group(page, rows[0])
    expect(page.locator(".failure")).to_have_count(rows[0].count)
    assert_fits(page)
    shot(page, f"errors-{look}")


def test_a_row_opens_to_its_failures_and_these_to_their_steps(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(served(store("many")) + ERRORS)
    row = next(row for row in questions.errors(store=store("many")) if row.code == "server_error")
    open_group(page, row)
    failures = questions.failures(alike=row.alike, store=store("many"))
    shown = page.locator(".failure")
    assert shown.count() == len(failures) == row.count
    for each, failure in zip(failures, shown.all(), strict=True):
        said = failure.inner_text()
        for told in (
            f"{each.time:%Y-%m-%d %H:%M:%S}",
            each.name,
            f"code {each.code}",
            f"HTTP {each.http_status}",
            f"request {each.request_id}",
            each.service,
            f"session {each.session}",
            f"user {each.user}",
            each.message,
        ):
            assert told in said
    first = failures[0]
    shown.first.locator("a.to").click()
    page.wait_for_url(f"**/traces/{first.trace_id}/{first.span_id}")
    expect(page.locator("#step .error")).to_contain_text(first.message)
    page.go_back()
    # What is open is so in the URL, and closes again.
    expect(page.locator(".failure")).to_have_count(row.count)
    link(page, row).click()
    expect(page.locator(".failure")).to_have_count(0)
    assert "open=" not in page.url


def test_tries_of_a_step_stand_in_a_row(page: Page, served: Served, store: Store) -> None:
    page.goto(served(store("pipeline")) + ERRORS)
    (row,) = questions.errors(store=store("pipeline"))
    open_group(page, row)
    (failure,) = questions.failures(store=store("pipeline"))
    tries = page.locator(".tries li")
    assert [re.split(r"\s", each)[0] for each in tries.all_inner_texts()] == ["✗", "✓"]
    assert [each["model"] for each in failure.tries] == ["claude-sonnet-7", "claude-sonnet-5-5"]
    for each, told in zip(failure.tries, tries.all_inner_texts(), strict=True):
        assert each["name"] in told
    tries.last.locator("a").click()
    page.wait_for_url(f"**/traces/{failure.trace_id}/{failure.tries[1]['span_id']}")


def test_all_failures_are_reached_page_by_page(page: Page, served: Served, store: Store) -> None:
    name = "conversation_of_200_turns"
    page.goto(served(store(name)) + ERRORS)
    (row,) = questions.errors(store=store(name))
    open_group(page, row)
    ids: list[str] = []
    while True:
        ids += page.locator(".failure").evaluate_all("all => all.map(each => each.id.slice(2))")
        if not page.get_by_role("link", name="Older").count():
            break
        page.get_by_role("link", name="Older").click()
        page.wait_for_url("**cursor=*")
    assert ids == [each.span_id for each in questions.failures(store=store(name), limit=0)]
    assert len(ids) == row.count == 20
    page.get_by_role("link", name="Newest").click()
    expect(page.locator(".failure").first).to_have_attribute("id", f"f-{ids[0]}")


def test_conditions_and_the_period_are_links_and_stay_in_the_url(
    page: Page, served: Served, store: Store
) -> None:
    path = store("many")
    page.goto(served(path) + "/errors")
    # All of it is older than a day; where nothing is to be seen the page says where there is.
    expect(page.locator(".empty")).to_contain_text("Nothing failed in the last 24h")
    page.get_by_role("link", name="At any time").click()
    everything = questions.errors(store=path)
    expect(groups(page)).to_have_count(len(everything))
    page.get_by_role("link", name="only model calls").click()
    models = questions.errors(models=True, store=path)
    expect(groups(page)).to_have_count(len(models))
    assert 0 < len(models) < len(everything)
    page.locator("td a", has_text="llama3.2").first.click()
    found = questions.errors(models=True, model="llama3.2", store=path)
    expect(groups(page)).to_have_count(len(found))
    assert "since=all" in page.url and "models=true" in page.url and "model=llama3.2" in page.url
    chips = page.locator(".chip.on")
    expect(chips).to_have_text(["all", "model llama3.2 ×", "models true ×"])
    chips.nth(2).click()
    expect(groups(page)).to_have_count(len(questions.errors(model="llama3.2", store=path)))
    page.get_by_role("link", name="30d").click()
    page.wait_for_url("**since=30d*")
    assert "model=llama3.2" in page.url
    # And by a field of the form.
    page.goto(served(path) + ERRORS)
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("tool", exact=True).fill("open_ticket")
    page.get_by_role("button", name="Filter").click()
    (tickets,) = questions.errors(tool="open_ticket", store=path)
    expect(groups(page)).to_have_count(1)
    expect(groups(page).locator("td.num")).to_have_text(str(tickets.count))


def test_the_keyboard_is_enough(page: Page, served: Served, store: Store) -> None:
    page.goto(served(store("pipeline")) + ERRORS)
    (row,) = questions.errors(store=store("pipeline"))
    page.keyboard.press("j")
    expect(link(page, row)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".failure")).to_have_count(1)
    page.keyboard.press("j")
    expect(link(page, row)).to_have_attribute("aria-expanded", "true")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(".failure a.to").evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces/**")


def test_what_fails_now_shows_up_by_itself(page: Page, served: Served, tmp_path: Path) -> None:
    said = [message("user", "a"), message("assistant", "b")]
    path = written(tmp_path / "t.db", [chat(1, said)])
    page.goto(served(path) + ERRORS)
    expect(page.locator(".empty")).to_contain_text("Nothing has failed so far")
    failed = {"status": "ERROR", "status_message": "Error code: 429 - slow down, req_7"}
    Writer(path).write([chat(2, said, **failed, attributes={"error.type": "openai.Slow"})])
    expect(groups(page)).to_have_count(1, timeout=20_000)
    (row,) = questions.errors(store=path)
    # From what it asks for first the page knows what is new later.
    with page.expect_response("**/live*"):
        open_group(page, row)
    Writer(path).write([chat(3, said, **failed, attributes={"error.type": "openai.Slow"})])
    # The group is still open, and has one more.
    expect(page.locator(".failure")).to_have_count(2, timeout=20_000)
    expect(groups(page).locator("td.num")).to_have_text("2")


HOSTILE = ("script", "image", "svg", "out of double quotes", "htmx", "right to left", "SQL", "path")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_nobody_should_send_is_a_text(
    page: Page, served: Served, store: Store, name: str
) -> None:
    path, word = store("hostile"), mark(name)
    rows = [row for row in questions.errors(store=path, limit=0) if word in row.message]
    assert len(rows) > 5
    for row in rows:
        if not row.operation.isidentifier():
            continue
        # All failures are too many for one page: these are of one operation.
        page.goto(f"{served(path)}/errors?since=all&open={row.alike}&operation={row.operation}")
        failures = page.locator(".failure")
        assert failures.count() == row.count
        assert word in failures.first.locator("pre").inner_text()
        assert word in page.locator(f"#g-{row.alike}").inner_text()
        assert_fits(page)


def test_a_long_message_says_how_much_of_it_is_not_shown(
    page: Page, served: Served, tmp_path: Path
) -> None:
    more = {"status": "ERROR", "status_message": "x" * 1_234_567}
    told = {"gen_ai.operation.name": "execute_tool", "error.type": "E" * 5_000}
    path = written(tmp_path / "t.db", [span(1, attributes=told, **more)])
    page.goto(served(path) + ERRORS)
    (row,) = questions.errors(store=path)
    assert "(4,900 more characters)" in groups(page).inner_text()
    open_group(page, row)
    expect(page.locator(".failure .cut")).to_have_text("… 1,233,567 more characters · all of it")
    assert_fits(page)
