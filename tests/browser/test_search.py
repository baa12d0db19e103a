"""Search in a browser: what was said, and what an id is of."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlsplit

import pytest

from otelier import questions
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.browser.stores.markup import PIECES, mark
from tests.store.made import chat, message, span, written

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Served = Callable[..., str]
Store = Callable[[str], Path]
TEXTS = "all => all.map(each => each.innerText)"
# What the page draws over a step as found: the texts, and whether one of them is in sight.
FOUND = """() => [...(CSS.highlights.get("found") ?? [])].map(range => range.toString())"""
IN_SIGHT = """() => [...CSS.highlights.get("found")].some(range => {
    const box = range.getBoundingClientRect();
    return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight;
})"""


def hits(page: Page) -> Locator:
    return page.locator("a.hit")


def search(page: Page, url: str, text: str, more: str = "") -> None:
    page.goto(f"{url}/search?text={quote_plus(text)}{more}")


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_a_hit_leads_to_where_it_was_said(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    look = request.node.callspec.params["page"]
    page.goto(f"{served(store('pipeline'))}/traces")
    page.keyboard.press("/")
    page.keyboard.type("carry over")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?text=carry+over")
    rows = questions.search("carry over", once=True, store=store("pipeline"))
    expect(hits(page)).to_have_count(len(rows))
    for row, hit in zip(rows, page.locator("table.hits tbody tr").all(), strict=True):
        told = hit.inner_text()
        assert f"{row.time:%H:%M:%S}" in told and row.role in told and row.snippet in told
        if look.size is not PHONE:
            assert row.session in told and row.user in told
        marked = {each.lower() for each in hit.locator("mark").all_inner_texts()}
        assert marked <= {"carry", "over"} and marked
    assert_fits(page)
    shot(page, f"search-{look}")
    asked = next(row for row in rows if row.role == "user")
    page.locator("tr", has_text="user").locator("a.hit").last.click()
    page.wait_for_url("**/traces/*/*?find=carry+over&by=user")
    found = page.evaluate(FOUND)
    assert {each.lower() for each in found} == {"carry", "over"}
    assert page.evaluate(IN_SIGHT)
    assert asked.trace_id in page.url
    # Nothing was put into the page for that.
    assert page.locator("#step mark").count() == 0
    assert_fits(page)


def test_the_hits_are_those_of_the_question(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    for words in ("pote", '"she said"', "kina pote"):
        search(page, served(path), words)
        found = questions.search(words, store=path, once=True, limit=50)
        assert found
        expect(hits(page)).to_have_count(len(found))


def everything(page: Page) -> list[str]:
    """Where all hits lead to, from this page of them to the last."""
    links: list[str] = []
    further = page.locator("a[rel=next]")
    while True:
        expect(page.locator(".empty[role=status]")).to_have_count(0, timeout=20_000)
        links += hits(page).evaluate_all("all => all.map(each => each.href.split('?')[0])")
        if not further.count():
            return links
        address = further.get_attribute("href")
        further.click()
        page.wait_for_url(f"**{address}")


def of_question(url: str, words: str, path: Path, **more: str) -> list[str]:
    """The same of the question."""
    rows = questions.search(words, once=True, limit=0, store=path, **more)  # type: ignore[arg-type]
    return [f"{url}/traces/{row.trace_id}/{row.span_id}" for row in rows]


def test_all_hits_are_reached_page_by_page(page: Page, served: Served, store: Store) -> None:
    path, url = store("many"), served(store("many"))
    search(page, url, "kina pote")
    links = everything(page)
    assert len(links) > 100
    assert sorted(links) == sorted(of_question(url, "kina pote", path))
    page.get_by_role("link", name="Newest").click()
    expect(hits(page).first).to_have_attribute("href", re.compile(urlsplit(links[0]).path))


def test_who_said_it_and_when_are_links_that_stay_in_the_url(
    page: Page, served: Served, store: Store
) -> None:
    path, url = store("many"), served(store("many"))
    search(page, url, "pote")
    for who in ("system", "user", "assistant", "tool"):
        page.get_by_role("link", name=who, exact=True).click()
        page.wait_for_url(f"**role={who}*")
        assert sorted(everything(page)) == sorted(of_question(url, "pote", path, role=who))
        assert set(page.locator("table.hits .kind").all_inner_texts()) <= {who}
    # What is searched for next is so under the same conditions.
    page.get_by_label("Words, or an id").fill("kina")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=kina*")
    assert "role=tool" in page.url
    page.get_by_role("link", name="anybody").click()
    user = page.locator("table.hits tbody tr td:last-child a").first
    name = user.inner_text()
    user.click()
    page.wait_for_url(f"**user={name}*")
    assert sorted(everything(page)) == sorted(of_question(url, "kina", path, user=name))
    page.get_by_role("link", name="1h").click()
    expect(page.locator(".empty")).to_contain_text("Nothing has this in the last 1h")
    assert f"user={name}" in page.url and "text=kina" in page.url
    page.get_by_role("link", name="Anywhere, said by anybody").click()
    expect(hits(page)).to_have_count(50)


def test_an_id_leads_straight_to_what_it_is_of(page: Page, served: Served, store: Store) -> None:
    path = store("pipeline")
    url = served(path)
    call = questions.calls(store=path, models=True, limit=1)[0]
    (failed,) = questions.failures(store=path)
    step = f"/traces/{call.trace_id}/{call.span_id}"
    wanted = {
        call.trace_id: f"/traces/{call.trace_id}",
        call.trace_id.upper(): f"/traces/{call.trace_id}",
        # As pages show it.
        call.trace_id[:8]: f"/traces/{call.trace_id}",
        call.span_id: step,
        f" {call.response_id} ": step,
        failed.request_id: f"/traces/{failed.trace_id}/{failed.span_id}",
        call.session: f"/sessions/{call.session}",
        call.conversation: f"/conversations/{call.conversation}",
    }
    for asked, where in wanted.items():
        search(page, url, asked)
        assert page.url.partition("?")[0] == url + where
    # A user's name may be a word that is looked for: then there is a link. In quotes it is one.
    search(page, url, call.user)
    expect(page.locator(".ids a")).to_have_text(f"user {call.user}")
    assert hits(page).count()
    page.locator(".ids a").click()
    page.wait_for_url(f"**/traces?user={call.user}")
    search(page, url, f'"{call.session}"')
    assert "/search" in page.url and page.locator(".ids").count() == 0


def test_the_page_says_how_to_search(page: Page, served: Served, store: Store) -> None:
    url = served(store("pipeline"))
    page.goto(f"{url}/search")
    for told in ("how it begins", "double quotes", "An id leads straight"):
        expect(page.locator(".how")).to_contain_text(told)
    assert_fits(page)
    search(page, url, "nowhere was that said")
    expect(page.locator(".empty")).to_contain_text("Nothing has all of these words")
    expect(page.locator(".how")).to_be_visible()
    assert hits(page).count() == 0
    for nothing in ('"', "   ", '""'):
        search(page, url, nothing)
        assert hits(page).count() == 0


def test_the_keyboard_is_enough(page: Page, served: Served, store: Store) -> None:
    page.goto(f"{served(store('pipeline'))}/search")
    page.keyboard.press("/")
    page.keyboard.type('"would I lose any"')
    page.keyboard.press("Enter")
    page.wait_for_url("**text=*")
    page.keyboard.press("j")
    expect(hits(page).first).to_be_focused()
    page.keyboard.press("j")
    expect(hits(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces/**")
    assert set(page.evaluate(FOUND)) == {"would I lose any"}


def test_until_all_words_are_in_an_index_the_newest_messages_are_looked_at(
    page: Page, served: Served, tmp_path: Path
) -> None:
    texts = ["crimson", *(f"green {number}" for number in range(3_000))]
    path = written(
        tmp_path / "t.db",
        [
            chat(number, [message("user", text), message("assistant", f"yes {number}")])
            for number, text in enumerate(texts)
        ],
    )
    url = served(path)
    # What many say is found without one.
    search(page, url, "green")
    expect(hits(page)).to_have_count(50)
    assert page.get_by_role("status").count() == 0
    search(page, url, "crimson")
    expect(page.get_by_role("status")).to_contain_text("An index of all words is being made")
    expect(hits(page)).to_have_text("crimson", timeout=20_000)
    expect(page.get_by_role("status")).to_have_count(0)


def test_what_was_said_long_before_is_looked_for_further(
    page: Page, served: Served, tmp_path: Path
) -> None:
    told = [("acme" if not number else "beta", f"green {number}") for number in range(3_000)]
    path = written(
        tmp_path / "t.db",
        [
            chat(
                number,
                [message("user", text), message("assistant", "yes")],
                attributes={"otelier.metadata.tenant": tenant},
            )
            for number, (tenant, text) in enumerate(told)
        ],
    )
    further: list[str] = []
    page.on("request", lambda each: "cursor=" in each.url and further.append(each.url))
    search(page, served(path), "green", "&tenant=acme")
    expect(hits(page)).to_have_text("green 0", timeout=20_000)
    # It went on by itself; each part of the way has an address.
    assert len(further) == len(set(further)) > 1
    page.goto(further[0])
    expect(hits(page)).to_have_text("green 0", timeout=20_000)
    for address in further[:1]:
        told = page.request.get(address).text()
        assert "Not among the newest messages" in told and "Look further" in told


def test_a_message_that_many_traces_have_is_told_once(
    page: Page, served: Served, tmp_path: Path
) -> None:
    said = [message("user", "Where is my parcel?"), message("assistant", "Here.")]
    path = written(tmp_path / "t.db", [chat(number, said) for number in range(130)])
    search(page, served(path), "parcel")
    expect(hits(page)).to_have_count(1)
    expect(page.locator("table.hits tbody")).to_contain_text("in 100+ traces")
    hits(page).click()
    page.wait_for_url(f"**/traces/{130:032x}/**")


def test_what_is_folded_is_opened_where_it_was_found(
    page: Page, served: Served, tmp_path: Path
) -> None:
    told = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.call.arguments": '{"a":{"b":["the Crimson Umbrélla", 1]}}',
    }
    path = written(tmp_path / "t.db", [span(1, "execute_tool look", attributes=told)])
    search(page, served(path), "umbrella crims")
    expect(hits(page).locator("mark")).to_have_text(["Crims", "Umbrélla"])
    hits(page).click()
    page.wait_for_url("**/traces/**")
    assert set(page.evaluate(FOUND)) == {"Crims", "Umbrélla"}
    assert page.evaluate(IN_SIGHT)


HOSTILE = ("script", "image", "svg", "out of double quotes", "htmx", "right to left", "SQL", "path")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_nobody_should_send_is_a_text(
    page: Page, served: Served, store: Store, name: str
) -> None:
    path, word = store("hostile"), mark(name)
    search(page, served(path), word)
    assert hits(page).count() > 5
    assert all(word in each for each in hits(page).evaluate_all(TEXTS))
    assert word in hits(page).locator("mark").evaluate_all(TEXTS)
    assert page.locator("main img, main script, main iframe, main svg").count() == 0
    assert_fits(page)
    hits(page).first.click()
    page.wait_for_url("**/traces/**")
    assert word in page.evaluate(FOUND)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_nobody_should_look_for_is_words(
    page: Page, served: Served, store: Store, name: str
) -> None:
    text = PIECES[mark(name)].encode("utf-8", "replace").decode()
    search(page, served(store("pipeline")), text)
    field = page.get_by_label("Words, or an id")
    # A field has one line.
    assert field.input_value() == text.replace("\n", "").replace("\r", "")
    assert hits(page).count() == 0 and page.locator(".empty").count() == 1
    assert_fits(page)
