"""A trace in a browser: its tree, the chosen step, the chat, by mouse and by keyboard, live."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otelier import questions
from otelier.store.writer import Writer
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.store.made import chat, message, span, talk, written

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Pages

Served = Callable[..., str]
Store = Callable[[str], Path]
CONVERSATION = "conversation_of_200_turns"
TRACE = f"{1:032x}"


def _trace(store: Path) -> str:
    return questions.traces(store=store, limit=1)[0].trace_id


def _last_call(store: Path) -> questions.Call:
    return questions.calls(store=store, models=True, limit=1)[0]


def _row(page: Page, text: str) -> str:
    """What the first row with a text says, once it is there."""
    found = page.locator("#tree .row", has_text=text).first
    found.wait_for()
    return found.inner_text()


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_a_pipeline_at_a_glance(page: Page, served: Served, store: Store) -> None:
    path = store("pipeline")
    page.goto(f"{served(path)}/traces/{_trace(path)}")
    assert "answer_question" in _row(page, "workflow")
    assert "NotFoundError" in _row(page, "anthropic.NotFoundError")
    expect(page.locator("#count")).to_have_text("14 spans")
    expect(page.locator("#tree .row")).to_have_count(14)
    head = page.locator(".about").inner_text()
    assert "1 error" in head and "$0.00441" in head and "session-42" in head
    assert_fits(page)
    shot(page, "trace")


def test_the_numbers_are_those_of_the_store(page: Page, served: Served, store: Store) -> None:
    path = store("pipeline")
    url = served(path)
    for call in questions.calls(store=path, models=True):
        page.goto(f"{url}/traces/{call.trace_id}/{call.span_id}")
        told = page.locator(".chosen .line").inner_text()
        if call.input_tokens is not None:
            output = "–" if call.output_tokens is None else f"{call.output_tokens:,}"
            assert f"{call.input_tokens:,} → {output}" in told
        assert (call.cost is not None) == ("$" in told)
        if call.error:
            assert call.error in page.locator(".error").inner_text()


def test_a_click_shows_a_step_and_has_a_link_of_its_own(
    page: Page, served: Served, store: Store
) -> None:
    path = store("pipeline")
    page.goto(f"{served(path)}/traces/{_trace(path)}")
    page.locator("#tree .row", has_text="leave_balance").last.click()
    page.locator("h2", has_text="leave_balance").wait_for()
    link = page.url
    assert re.fullmatch(r".*/traces/[0-9a-f]{32}/[0-9a-f]{16}", link)
    assert page.title().startswith("tool leave_balance")
    page.go_back()
    page.locator("h2", has_text="answer_question").wait_for()
    page.go_forward()
    page.locator("h2", has_text="leave_balance").wait_for()
    page.goto(link)
    page.locator("h2", has_text="leave_balance").wait_for()
    chosen = page.locator('#tree .row[aria-selected="true"]')
    assert "leave_balance" in chosen.inner_text()


def test_a_call_of_a_tool_stands_beside_its_result(
    page: Page, served: Served, store: Store
) -> None:
    path = store("pipeline")
    page.goto(f"{served(path)}/traces/{_trace(path)}")
    page.locator("#tree .row", has_text="gpt-6.1-sol").last.click()
    call = page.locator(".call", has_text="leave_balance")
    call.wait_for()
    assert "ada" in call.locator(".given").inner_text()
    assert "entitled" in call.locator(".gave").inner_text()
    # What was folded is the question; what is new are the results and the answer.
    expect(page.locator("button.more")).to_have_text("3 earlier messages")
    page.locator("button.more").click()
    page.locator(".bubble.user").wait_for()
    expect(page.locator("button.more")).to_have_count(0)


def test_a_call_of_a_tool_leads_to_the_step_that_ran_it(
    page: Page, served: Served, tmp_path: Path
) -> None:
    called = {"type": "tool_call", "id": "call-7", "name": "stock", "arguments": {"part": "R-1"}}
    said = [message("user", "Is it there?"), {"role": "assistant", "parts": [called]}]
    ran = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "stock",
        "gen_ai.tool.call.id": "call-7",
        "gen_ai.tool.call.result": "nineteen",
    }
    tool = span(1, "execute_tool stock", trace_id=TRACE, attributes=ran)
    store = written(tmp_path / "t.db", [chat(0, said), tool])
    page.goto(f"{served(store)}/traces/{TRACE}")
    page.locator(".call a[data-step]", has_text="ran 500 ms").click()
    page.locator("h2", has_text="stock").wait_for()
    expect(page.locator("#step")).to_contain_text("nineteen")


def test_keyboard_alone(page: Page, served: Served, store: Store) -> None:
    path = store("pipeline")
    url = served(path)
    page.goto(f"{url}/traces")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    _row(page, "answer_question")
    page.locator("#tree").focus()
    page.keyboard.press("ArrowDown")
    page.locator("h2", has_text="classify").wait_for()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#tree .row", has_text="classify").get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator("h2", has_text="gpt-6-luna").wait_for()
    page.keyboard.press("End")
    page.locator("h2", has_text="claude-sonnet-5-5").wait_for()
    page.keyboard.press("Home")
    page.locator("h2", has_text="answer_question").wait_for()
    page.keyboard.press("e")
    page.locator(".error").wait_for()
    assert "NotFoundError" in page.locator(".error").inner_text()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.name") != "text"


def test_ten_thousand_spans_of_which_only_those_in_sight_are_drawn(
    page: Page, served: Served, store: Store
) -> None:
    path = store("large_trace")
    page.goto(f"{served(path)}/traces/{_trace(path)}")
    page.locator("#tree .row").first.wait_for()
    assert page.locator("#count").inner_text() == "10,000 spans"
    assert page.locator("#tree .row").count() < 100
    page.locator("#tree").focus()
    page.keyboard.press("End")
    page.locator("#row-9999.cursor").wait_for()
    assert page.locator("#tree .row").count() < 100
    page.locator("#filter").fill("error")
    expect(page.locator("#count")).to_contain_text(" of 10,000 spans")
    page.locator("#filter").fill("")
    page.keyboard.press("Escape")
    # A folded branch takes its rows with it.
    page.locator("#tree").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tree .row")).to_have_count(1)
    # An error deep inside opens the way to it.
    page.keyboard.press("e")
    page.locator('#tree .row.failed[aria-selected="true"]').wait_for()
    page.locator(".error").wait_for()


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_a_call_that_sends_its_history_shows_what_is_new(
    page: Page, served: Served, store: Store
) -> None:
    path = store(CONVERSATION)
    call = _last_call(path)
    page.goto(f"{served(path)}/traces/{call.trace_id}/{call.span_id}")
    page.locator(".bubble.answer").wait_for()
    sent = len(questions.call(call.span_id, store=path)[0].input)
    shown = page.locator(".bubble:not(.system):not(.answer)").count()
    assert shown < 10
    folded = int(page.locator("button.more").inner_text().split()[0].replace(",", ""))
    assert folded + shown >= sent > 400
    # Page after page, until nothing is folded.
    while folded:
        page.locator("button.more").focus()
        page.keyboard.press("Enter")
        folded = max(0, folded - 100)
        if folded:
            expect(page.locator("button.more")).to_have_text(re.compile(f"^{folded:,} earlier"))
    expect(page.locator("button.more")).to_have_count(0)
    assert page.locator("img").count() > 0
    assert page.evaluate("[...document.images].every(image => image.src.startsWith('data:'))")
    assert page.locator("details.reasoning").count() > 0
    assert page.locator("details.reasoning[open]").count() == 0
    assert_fits(page)
    shot(page, "chat")


def test_steps_that_end_while_it_is_looked_at_show_up(
    page: Page, served: Served, tmp_path: Path
) -> None:
    store = written(tmp_path / "t.db", [chat(0, talk(1))])
    url = served(store)
    page.goto(f"{url}/traces/{TRACE}")
    _row(page, "gpt-4o")
    writer = Writer(store)
    writer.write([span(1, "later", trace_id=TRACE)])
    assert "later" in _row(page, "later")
    # The list does the same, and what is there already stays as it is.
    page.goto(f"{url}/traces")
    page.locator("tbody tr").wait_for()
    page.evaluate("document.querySelector('tbody tr').marked = true")
    writer.write([chat(5, talk(1))])
    page.locator("tbody tr").nth(1).wait_for()
    assert page.evaluate("document.querySelectorAll('tbody tr')[1].marked")
    writer.close()


def test_the_whole_of_a_long_text_is_a_click_away(
    page: Page, served: Served, tmp_path: Path
) -> None:
    said = [message("user", "a" * 30_000), message("assistant", "b" * 10)]
    store = written(tmp_path / "t.db", [chat(0, said)])
    page.goto(f"{served(store)}/traces/{TRACE}")
    cut = page.locator(".bubble.user .cut")
    assert "10,000 more characters" in cut.inner_text()
    cut.get_by_role("link").click()
    page.wait_for_url("**/raw/**")
    assert json.loads(page.locator("pre").inner_text()) == said[:1]


def test_what_a_call_before_in_another_trace_has_shown_is_folded(
    page: Page, served: Served, tmp_path: Path
) -> None:
    long = talk(5)
    store = written(tmp_path / "t.db", [chat(0, long[:8]), chat(1, long)])
    page.goto(f"{served(store)}/traces/{2:032x}")
    page.locator(".bubble").first.wait_for()
    expect(page.locator("button.more")).to_have_text("8 earlier messages")
    assert page.locator(".bubble").count() == 2


def test_what_is_copied_is_the_span(pages: Pages, served: Served, store: Store) -> None:
    page = pages(permissions=["clipboard-read", "clipboard-write"])
    path = store("pipeline")
    call = _last_call(path)
    page.goto(f"{served(path)}/traces/{call.trace_id}/{call.span_id}")
    page.get_by_role("button", name="copy as JSON").click()
    page.get_by_text("copied").wait_for()
    told = json.loads(page.evaluate("navigator.clipboard.readText()"))
    (found,) = told["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert found["spanId"] == call.span_id
    for name, begin in (("curl", "curl "), ("Python", "from anthropic import ")):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("[data-copied]")).to_have_text("copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert any(line.startswith(begin) for line in copied.splitlines())
        assert "claude-sonnet-5-5" in copied and "sk-" not in copied


def test_light_and_dark_are_the_readers_choice(page: Page, served: Served, store: Store) -> None:
    page.goto(f"{served(store('pipeline'))}/traces")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator("#theme").click()
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark


def test_on_a_phone_nothing_is_lost(pages: Pages, served: Served, store: Store) -> None:
    page = pages(PHONE)
    path = store("pipeline")
    page.goto(f"{served(path)}/traces")
    page.locator("a.name").first.click()
    page.locator("#tree .row", has_text="researcher").click()
    page.locator("h2", has_text="researcher").wait_for()
    assert page.locator(".bubble.answer").is_visible()


def test_a_parent_that_has_not_ended_is_no_trouble(
    page: Page, served: Served, tmp_path: Path
) -> None:
    orphan = replace(chat(0, talk(1)), parent_id="00000000000000aa")
    store = written(tmp_path / "t.db", [orphan])
    page.goto(f"{served(store)}/traces/{TRACE}")
    assert "gpt-4o" in _row(page, "gpt-4o")
