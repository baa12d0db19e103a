"""Sessions and conversations: their lists, and the chat of a long one across traces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otelier import questions
from otelier.store.writer import Writer
from otelier.viewer.text import dollars
from tests.browser.looks import LOOKS, assert_fits, expect, shot
from tests.browser.stores.conversation import ABOUT
from tests.store.made import chat, message, span

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.watching import Watched

Served = Callable[..., str]
Store = Callable[[str], Path]
LONG = "conversation_of_200_turns"
TALK = "/conversations/conv-bicycle"
# What is first seen of a long conversation, and what one press of a link brings.
SHOWN = 60
TEXTS = "all => all.map(each => each.innerText)"
IDS = "all => all.map(each => each.id)"


def rows(store: Path) -> list[Any]:
    return questions.conversation("conv-bicycle", store=str(store))


def spoken(page: Page) -> Locator:
    return page.locator(".spoken")


def in_sight(found: Locator) -> bool:
    """Whether it is in the window, and not below what is stuck to its top."""
    told: bool = found.evaluate(
        "each => { const box = each.getBoundingClientRect();"
        " const bar = document.getElementById('bar').getBoundingClientRect();"
        " const free = getComputedStyle(document.getElementById('bar')).position === 'sticky'"
        " ? Math.max(bar.bottom, 0) : 0;"
        " return box.top >= free - 1 && box.top < innerHeight; }"
    )
    return told


def top(found: Locator) -> float:
    told: float = found.evaluate("each => each.getBoundingClientRect().top")
    return told


def tab_to(page: Page, id: str) -> None:
    """Go to an element by the Tab key alone."""
    for _ in range(400):
        if page.evaluate("document.activeElement.id") == id:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {id}")


def grown(page: Page, more_than: int) -> None:
    page.wait_for_function(
        "least => document.querySelectorAll('.spoken').length > least", arg=more_than
    )


# --- a long conversation ----------------------------------------------------------------------


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_of_a_long_conversation_the_newest_messages_are_shown(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    page.goto(served(store(LONG)) + TALK)
    look = request.node.callspec.params["page"]
    found = spoken(page)
    assert SHOWN <= found.count() <= SHOWN + 10
    assert "Answer 199: Then check the next one" in found.last.inner_text()
    # It does not begin by an answer to something that is not seen.
    assert "Question" in found.first.inner_text()
    messages = sum(row.role != "tool" and bool(row.role) for row in rows(store(LONG)))
    left = messages - found.count()
    assert page.locator("#earlier").inner_text() == f"{left} earlier messages"
    about = page.locator("#about").inner_text()
    (row,) = questions.conversations(conversation="conv-bicycle", store=str(store(LONG)))
    for told in (
        "conv-bicycle",
        "tenant north",
        "ada",
        f"{row.traces} traces",
        f"{row.calls} model calls",
        f"{row.errors} errors",
        f"{row.input_tokens:,} → {row.output_tokens:,} tokens",
        f"${row.cost:.2f}",
        "20 h 14 min",
        "gpt-6.1-sol",
        "session-bicycle",
    ):
        assert told in about
    assert_fits(page)
    shot(page, f"conversation-{look}")
    page.locator("#to-end").click()
    assert in_sight(found.last) or top(found.last) < 0
    page.locator(".bubble:has(.call)").last.scroll_into_view_if_needed()
    shot(page, f"conversation-{look}-tools")


def test_all_of_it_is_reached_by_the_keyboard_each_message_once_and_in_order(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(served(store(LONG)) + TALK)
    tab_to(page, "earlier")
    for _ in range(20):
        count = spoken(page).count()
        read = spoken(page).first.get_attribute("id")
        before = top(page.locator(f"[id='{read}']"))
        page.keyboard.press("Enter")
        grown(page, count)
        # What was read has not moved, and the next press brings more.
        assert abs(top(page.locator(f"[id='{read}']")) - before) <= 1
        if not page.locator("#earlier").count():
            break
        assert page.evaluate("document.activeElement.id") == "earlier"
    # Who pressed it goes on from what is read.
    assert in_sight(page.locator(".spoken:focus"))
    ids = spoken(page).evaluate_all(IDS)
    assert len(set(ids)) == len(ids)
    told = [row for row in rows(store(LONG)) if row.role]
    # Results of tools stand beside their calls, all others in a place of their own.
    shown = page.locator(".bubble > .role").evaluate_all(TEXTS)
    roles = [each.split()[0] if each else "system" for each in shown]
    assert roles == [row.role for row in told if row.role != "tool"]
    asked = page.locator(".bubble.user").evaluate_all(TEXTS)
    wanted = [row.text.splitlines()[0] for row in told if row.role == "user"]
    assert [[line for line in each.splitlines() if line][1] for each in asked] == wanted
    calls = page.locator(".bubble .call").count()
    assert calls == sum(row.role == "tool" for row in told)
    assert page.locator(".call .gave").count() == calls
    stock = page.locator(".call", has_text="R-195").last
    assert "no part R-195 here; closest: R-196" in stock.locator(".gave").inner_text()
    assert page.locator(".between.trace").count() == 20
    assert page.locator(".between").count() == 20 + 260


def test_lines_tell_what_each_call_took_and_what_all_so_far_did(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(served(store(LONG)) + TALK)
    paid = [row for row in rows(store(LONG)) if row.cost is not None][-1]
    line = page.locator(f"[id='c-{paid.trace_id}-{paid.span_id}'] .between")
    told = line.inner_text().split("\n")
    assert told[0] == f"{paid.time:%H:%M:%S}"
    assert f"{paid.input_tokens:,} → {paid.output_tokens:,}" in told
    assert dollars(paid.cost) in told
    assert f"so far {dollars(paid.total_cost)}" in told
    line.get_by_text("gpt-6.1-sol").click()
    page.wait_for_url(f"**/traces/{paid.trace_id}/{paid.span_id}")
    assert "Answer 199" in page.locator("#step").inner_text()
    # And back to the place.
    page.get_by_role("link", name="in its conversation").click()
    page.wait_for_url(f"**{TALK}?around={paid.span_id}")
    assert in_sight(page.locator(".meant"))


def test_reasoning_is_folded_and_pictures_are_seen(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(served(store(LONG)) + TALK)
    folded = page.locator(".bubble", has_text="Answer 196").locator("details.reasoning")
    thought = folded.get_by_text("Thought 196")
    assert not thought.is_visible()
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    assert thought.is_visible()
    picture = page.locator(".bubble", has_text="Question 194").locator("img")
    picture.scroll_into_view_if_needed()
    page.wait_for_function(
        "picture => picture.complete && picture.naturalWidth === 24", arg=picture.element_handle()
    )
    data = page.locator(".bubble", has_text="HG53-197").locator("details.json").first
    assert data.evaluate("each => each.open")
    assert page.locator(".bubble", has_text="turn 192").locator("table tr").count() == 4
    # As it was written, instead of Markdown.
    page.get_by_role("link", name="plain text").click()
    expect(page.locator(".bubble", has_text="turn 192")).to_contain_text("**turn 192**")


def test_errors_stand_where_they_happened_and_a_key_goes_through_them(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(served(store(LONG)) + TALK)
    failed = page.locator(".failed")
    assert failed.count() == 3
    for told in ("openai.RateLimitError", "rate limit reached", "rate_limit_exceeded", "429"):
        assert told in failed.first.inner_text()
    before = spoken(page).evaluate_all(TEXTS)
    assert any("Question 179" in each for each in before)
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == failed.nth(0).get_attribute("id")
    assert in_sight(failed.nth(0))
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == failed.nth(1).get_attribute("id")
    page.get_by_role("link", name="20 errors").click()
    page.wait_for_url("**/traces?*status=error*")


def test_a_link_leads_to_a_place_in_the_middle(page: Page, served: Served, store: Store) -> None:
    found = rows(store(LONG))
    meant = next(row for row in found if row.text.startswith("Answer 80"))
    page.goto(f"{served(store(LONG))}{TALK}?around={meant.span_id}")
    place = page.locator(".meant")
    assert place.get_attribute("id") == f"c-{meant.trace_id}-{meant.span_id}"
    assert in_sight(place)
    assert page.evaluate("document.activeElement.id") == place.get_attribute("id")
    assert not page.get_by_text("Answer 199").count()
    # On to the end, by the keyboard.
    place_top = top(place)
    tab_to(page, "later")
    page.evaluate("top => scrollBy(0, top)", arg=top(place) - place_top)
    while page.locator("#later").count():
        count = spoken(page).count()
        page.locator("#later").focus()
        page.keyboard.press("Enter")
        grown(page, count)
    assert "Answer 199" in spoken(page).last.inner_text()
    ids = spoken(page).evaluate_all(IDS)
    assert len(set(ids)) == len(ids)
    page.locator("#earlier").press("Enter")
    grown(page, len(ids))
    # A step that has no messages of its own: what was said before it.
    tool = questions.calls(operation="execute_tool", limit=0, store=str(store(LONG)))[-1]
    page.goto(f"{served(store(LONG))}/sessions/session-bicycle?around={tool.span_id}")
    assert "Question 1: is it in stock?" in page.locator(".chat").first.inner_text()


def test_the_end_is_reached_from_the_middle(page: Page, served: Served, store: Store) -> None:
    (first, *_) = [row for row in rows(store(LONG)) if row.direction == "output"]
    page.goto(f"{served(store(LONG))}{TALK}?around={first.span_id}")
    assert page.locator("details", has_text="System instructions").count() == 1
    page.get_by_role("link", name="to the end").click()
    page.wait_for_url("**#end")
    assert "Answer 199" in spoken(page).last.inner_text()
    assert page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 80")


def test_what_is_not_there_is_said(
    page: Page, watched: Watched, served: Served, store: Store
) -> None:
    url = served(store(LONG))
    watched.expect("refused", ": 404")
    for path, words in (
        ("/conversations/nobody", "There is no conversation nobody here, or not yet."),
        ("/sessions/conv-bicycle", "There is no session conv-bicycle here"),
        (f"{TALK}?tenant=south", "There is no conversation conv-bicycle of the tenant south"),
        (f"{TALK}?around=00000000000000ff", "There is no step 00000000000000ff in this"),
    ):
        page.goto(url + path)
        assert words in page.locator("main").inner_text()


# --- while it goes on -------------------------------------------------------------------------


def said(number: int, *texts: str, **more: Any) -> Any:
    """A further call of the long conversation: a question, and an answer."""
    roles = ("user", "assistant")
    told = [message(role, text) for role, text in zip(roles, texts, strict=True)]
    return chat(100_000 + number, told, attributes=ABOUT, **more)


@pytest.fixture
def growing(store: Store, tmp_path: Path) -> Path:
    """The long conversation in a store of the test's own."""
    return Path(shutil.copy(store(LONG), tmp_path / "growing.db"))


def test_what_is_said_meanwhile_comes_at_the_end_and_moves_nothing(
    page: Page, served: Served, growing: Path
) -> None:
    page.goto(served(growing) + TALK)
    folded = page.locator(".bubble", has_text="Answer 186").locator("details.reasoning")
    folded.locator("summary").click()
    page.evaluate("scrollTo(0, 1500)")
    count = spoken(page).count()
    read = spoken(page).evaluate_all(
        "all => all.find(each => each.getBoundingClientRect().top > 200).id"
    )
    before = top(page.locator(f"[id='{read}']"))
    writer = Writer(growing)
    writer.write([said(1, "A question of now", "An answer of now")])
    page.get_by_text("An answer of now").wait_for()
    assert spoken(page).count() == count + 2
    assert abs(top(page.locator(f"[id='{read}']")) - before) <= 1
    assert folded.evaluate("each => each.open")
    page.locator("#about", has_text="261 model calls").wait_for()
    news = page.locator("#news")
    assert news.inner_text() == "2 new messages ↓"
    news.click()
    assert in_sight(page.get_by_text("An answer of now"))
    # Who is at the end follows what is said.
    long = "A long answer. " * 400
    writer.write([said(2, "Another question", long)])
    page.get_by_text("A long answer.").wait_for()
    page.wait_for_function(
        "scrollY + innerHeight >= document.documentElement.scrollHeight - 80 && news.hidden"
    )
    assert spoken(page).count() == count + 4
    ids = spoken(page).evaluate_all(IDS)
    assert len(set(ids)) == len(ids)


def test_earlier_messages_stay_when_new_ones_come(
    page: Page, served: Served, growing: Path
) -> None:
    page.goto(served(growing) + TALK)
    count = spoken(page).count()
    page.locator("#earlier").click()
    grown(page, count)
    more = spoken(page).count()
    Writer(growing).write([said(1, "A question of now", "An answer of now")])
    page.get_by_text("An answer of now").wait_for()
    assert spoken(page).count() == more + 2
    # What began before the messages that are shown is told above them.
    late = chat(3, [message("user", "A late one"), message("assistant", "So late")])
    Writer(growing).write([_of(late, ABOUT)])
    page.get_by_role("link", name="2 more messages came in above").wait_for()


def _of(span: Any, about: Any) -> Any:
    span.attributes.update(about)
    return span


def test_a_result_that_comes_later_stands_beside_its_call(
    page: Page, served: Served, tmp_path: Path
) -> None:
    path = tmp_path / "t.db"
    call = {"type": "tool_call", "id": "t1", "name": "look", "arguments": {"in": "the box"}}
    asks = {"role": "assistant", "parts": [call]}
    result = {"type": "tool_call_response", "id": "t1", "response": "a brass bell"}
    question = message("user", "What is in it?")
    trace = {"trace_id": "ab" * 16}
    writer = Writer(path)
    writer.write([chat(1, [question, asks], **trace)])
    page.goto(served(path) + "/conversations/c-1")
    assert page.locator(".call").count() == 1
    assert not page.locator(".gave").count()
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.call.id": "t1",
        "gen_ai.conversation.id": "c-1",
        "error.type": "LookupError",
    }
    told = [question, asks, {"role": "tool", "parts": [result]}, message("assistant", "A bell.")]
    writer.write(
        [
            span(2, "execute_tool look", attributes=tool, status="ERROR", **trace),
            chat(3, told, **trace),
        ]
    )
    page.get_by_text("A bell.").wait_for()
    box = page.locator(".call")
    assert box.count() == 1
    assert box.locator(".gave").inner_text() == "a brass bell"
    assert "LookupError 500 ms" in box.inner_text()
    # It is told there, and nowhere else.
    assert not page.locator(".failed").count()
    box.get_by_role("link", name="LookupError").click()
    page.wait_for_url(f"**/traces/{'ab' * 16}/{3:016x}")


def test_failures_that_no_message_tells_of_are_told(
    page: Page, served: Served, tmp_path: Path
) -> None:
    about = {"gen_ai.conversation.id": "c-1"}
    agent = {**about, "gen_ai.operation.name": "invoke_agent", "error.type": "ValueError"}
    search = {**about, "gen_ai.operation.name": "retrieval", "error.type": "ConnectError"}
    trace = {"trace_id": "ab" * 16}
    Writer(tmp_path / "t.db").write(
        [
            span(1, "invoke_agent planner", attributes=agent, status="ERROR", **trace),
            span(
                2,
                "retrieval wiki",
                attributes=search,
                status="ERROR",
                status_message="no route to host",
                **trace,
            ),
            chat(4, [message("user", "Where?"), message("assistant", "Here.")], **trace),
        ]
    )
    page.goto(served(tmp_path / "t.db") + "/conversations/c-1")
    failed = page.locator(".failed").evaluate_all(TEXTS)
    assert len(failed) == 2
    assert "invoke_agent planner" in failed[0] and "ValueError" in failed[0]
    assert "retrieval wiki" in failed[1] and "no route to host" in failed[1]
    page.get_by_role("link", name="retrieval wiki").click()
    page.wait_for_url(f"**/traces/{'ab' * 16}/{3:016x}")


# --- whose it is ------------------------------------------------------------------------------


def test_what_several_tenants_call_the_same_is_several(
    page: Page, served: Served, tmp_path: Path
) -> None:
    def of(tenant: str, number: int) -> Any:
        told = [message("user", f"{tenant} asks"), message("assistant", f"{tenant} is told")]
        whose = {"otelier.metadata.tenant": tenant, "session.id": "s/1?\n"}
        return chat(number, told, attributes=whose if tenant != "nobody" else {"session.id": "x"})

    Writer(tmp_path / "t.db").write([of("nobody", 1), of("one", 2), of("two", 3)])
    url = served(tmp_path / "t.db")
    page.goto(f"{url}/conversations/c-1")
    expect(page.get_by_text("two is told")).to_have_count(1)
    expect(page.get_by_text("one is told")).to_have_count(0)
    page.get_by_role("link", name="the same of tenant one").click()
    expect(page.get_by_text("one is told")).to_have_count(1)
    expect(page.get_by_text("two is told")).to_have_count(0)
    page.get_by_role("link", name="the same of no tenant").click()
    expect(page.get_by_text("nobody is told")).to_have_count(1)
    # A link to a step leads to the one that has it.
    page.goto(f"{url}/conversations/c-1?around={3:016x}")
    expect(page.get_by_text("one is told")).to_have_count(1)
    # Any id can be opened.
    page.goto(f"{url}/sessions?since=all")
    page.locator("tr", has_text="two asks").locator("a.name").click()
    expect(page.get_by_text("two is told")).to_have_count(1)
    page.get_by_role("link", name="1 trace", exact=True).click()
    expect(page.locator("table.list tbody tr")).to_have_count(1)


# --- the lists --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
@pytest.mark.parametrize("kind", ["session", "conversation"])
def test_a_list_has_a_line_for_each(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest, kind: str
) -> None:
    look = request.node.callspec.params["page"]
    page.goto(f"{served(store('many'))}/{kind}s?since=all")
    wanted = getattr(questions, f"{kind}s")(store=str(store("many")))
    names = page.locator("a.name").evaluate_all(TEXTS)
    assert names == [getattr(row, kind) for row in wanted]
    failing = next(row for row in wanted if row.errors)
    line = page.locator("tr", has=page.get_by_text(getattr(failing, kind), exact=True))
    assert "✗" in line.inner_text()
    assert failing.text[:20] in line.inner_text()
    assert_fits(page)
    shot(page, f"{kind}s-{look}")
    if look.size.name == "desktop":
        heights = page.locator("tbody tr").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().height)"
        )
        assert max(heights) < 40
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{kind}s/{names[0]}?*")
    assert_fits(page)


def test_a_list_is_ordered_filtered_and_turned_by_links(
    page: Page, served: Served, store: Store
) -> None:
    url, path = served(store("many")), str(store("many"))

    def shows(wanted: list[Any]) -> None:
        expect(page.locator("a.name")).to_have_text([row.session for row in wanted])

    page.goto(f"{url}/sessions?since=all")
    everything = questions.sessions(limit=0, store=path)
    shows(everything[:50])
    page.get_by_role("link", name="Further").click()
    page.wait_for_url("**skip=50**")
    shows(everything[50:])
    page.get_by_role("link", name="Back").click()
    shows(everything[:50])
    page.get_by_role("link", name="Cost", exact=True).click()
    page.wait_for_url("**order=cost**")
    shows(questions.sessions(order="cost", store=path))
    page.locator("td").get_by_role("link", name="user-3", exact=True).first.click()
    page.wait_for_url("**user=user-3**")
    assert "order=cost" in page.url
    shows(questions.sessions(order="cost", user="user-3", store=path))
    page.get_by_title("Take this condition away").click()
    shows(questions.sessions(order="cost", store=path))
    page.get_by_role("link", name="7d", exact=True).click()
    page.wait_for_url("**since=7d**")
    assert "order=cost" in page.url


def test_a_list_without_anything_says_what_to_do(
    page: Page, watched: Watched, served: Served, store: Store
) -> None:
    url = served(store(LONG))
    page.goto(f"{url}/sessions?since=1h")
    assert "No session in the last 1h." in page.locator("main").inner_text()
    assert "otelier.session(session_id=" in page.locator("main").inner_text()
    page.get_by_role("link", name="All of them").click()
    expect(page.locator("a.name")).to_have_count(1)
    page.goto(f"{url}/conversations?since=all&user=nobody")
    assert "No conversation is like that." in page.locator("main").inner_text()
    watched.expect("refused", "since=yesterday: 400")
    page.goto(f"{url}/sessions?since=yesterday")
    assert "'yesterday' is no time" in page.locator("main").inner_text()


def test_a_list_grows_while_it_is_looked_at(page: Page, served: Served, growing: Path) -> None:
    page.goto(served(growing) + "/conversations?since=all")
    expect(page.locator("a.name")).to_have_text(["conv-bicycle"])
    told = [message("user", "Something new"), message("assistant", "Indeed")]
    Writer(growing).write([chat(200_000, told)])
    expect(page.locator("a.name")).to_have_text(["c-1", "conv-bicycle"])
    assert "Something new" in page.locator("tbody tr").first.inner_text()


def test_an_id_that_fits_into_no_link_is_shown(
    page: Page, watched: Watched, served: Served, tmp_path: Path
) -> None:
    told = [message("user", "Who is it?"), message("assistant", "Somebody.")]
    about = {"gen_ai.conversation.id": "n" * 20_000}
    Writer(tmp_path / "t.db").write([chat(1, told, attributes=about)])
    page.goto(served(tmp_path / "t.db") + "/conversations?since=all")
    line = page.locator("tbody tr")
    assert "Who is it?" in line.inner_text()
    assert "19,920 more characters" in line.locator("a.name").inner_text()
    assert_fits(page)
    watched.expect("refused", "too-long")
    line.locator("a.name").click()
    page.wait_for_url("**too-long**")


def test_content_is_text(page: Page, served: Served, tmp_path: Path) -> None:
    """What looks like markup, in every place of the page."""
    nasty = "<img src=x onerror=\"window.__hit='it'\"><script>window.__hit=1</script>\u202e"
    about = {
        "gen_ai.conversation.id": nasty,
        "session.id": nasty,
        "user.id": nasty,
        "otelier.metadata.tenant": nasty,
        "gen_ai.agent.name": nasty,
        "gen_ai.request.model": nasty,
        "error.type": nasty,
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": nasty}]),
    }
    told = [message("user", nasty), message("assistant", nasty)]
    failed = chat(1, told, attributes=about, status="ERROR", status_message=nasty)
    Writer(tmp_path / "t.db").write([failed, _of(span(2), {**about, **_TOOL})])
    url = served(tmp_path / "t.db")
    for kind in ("sessions", "conversations"):
        page.goto(f"{url}/{kind}?since=all")
        page.locator("a.name").click()
        expect(page.locator(".bubble", has_text="window.__hit").nth(1)).to_be_visible()
        assert "<script>" in page.locator("#about").inner_text()
        assert page.locator(".failed").count() >= 1
        assert_fits(page)


_TOOL = {"gen_ai.operation.name": "retrieval"}
