"""Compare in a browser: traces, steps and sets, found by links, by a form, and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from otelier import questions
from otelier.store.sqlite import SQLite
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.browser.watching import Watched
from tests.store.made import chat, message, written
from tests.web import comparing
from tests.web.comparing import FIRST, SECOND_RUN

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Pages

Served = Callable[..., str]
Store = Callable[[str], Path]
CHATS = {"a": f"{FIRST}/{1:08x}{1:08x}", "b": f"{SECOND_RUN}/{2:08x}{1:08x}"}
TRACES = {"a": FIRST, "b": SECOND_RUN}


@pytest.fixture(scope="module")
def two(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with two runs."""
    return served(comparing.store(tmp_path_factory.mktemp("two") / "t.db"))


def at(url: str, **given: str) -> str:
    return f"{url}/compare?{urlencode(given)}"


def line(page: Page, name: str) -> list[str]:
    """What a table says of a measure, once it is there."""
    row = page.locator("tr", has=page.locator("th", has_text=name)).first
    row.wait_for()
    return [text.strip() for text in row.locator("td").all_inner_texts()]


def steps(page: Page) -> Locator:
    return page.locator("table.steps tbody tr")


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_at_a_glance(
    page: Page, two: str, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    look = request.node.callspec.params["page"]
    many = served(store("many"))
    sets = {"by": "prompt_version", "prompt": "research", "a": "1", "b": "2", "since": "all"}
    for name, url in {
        "choose": at(many, since="all"),
        "traces": at(two, **TRACES),
        "steps": at(two, **CHATS),
        "sets": at(many, **sets),
        "with": at(two, b=CHATS["b"]),
        "version": at(many, by="model", a="gpt-6-luna", since="all"),
    }.items():
        page.goto(url)
        expect(page.locator("h1")).to_be_visible()
        assert_fits(page)
        shot(page, f"compare-{name}-{look}", whole=True)


# --- traces -------------------------------------------------------------------------------------


def test_two_traces_side_by_side(page: Page, two: str) -> None:
    page.goto(at(two, **TRACES))
    assert line(page, "time") == ["4.00 s", "5.00 s", "+1.00 s", "× 1.25"]
    # Nobody knows what the first one cost.
    assert line(page, "cost") == ["–", "$0.004", "", ""]
    assert line(page, "errors") == ["0", "1", "+1", ""]
    assert [row.split("\t")[0].strip() for row in steps(page).all_inner_texts()] == [
        "workflow advise",
        "chat",
        "tool stock",
        "tool price only B",
    ]
    expect(steps(page).nth(3)).to_contain_text("not there")
    expect(steps(page).nth(3)).to_contain_text("KeyError")
    assert steps(page).nth(3).get_by_role("link", name="compare").count() == 0
    steps(page).nth(1).get_by_role("link", name="compare").click()
    expect(page.locator("h1")).to_have_text("Two steps")
    page.get_by_role("link", name="compare the traces").click()
    expect(page.locator("h1")).to_have_text("Two traces")
    page.get_by_role("link", name="swap").click()
    expect(steps(page).nth(3)).to_contain_text("only A")


def test_sums_are_those_of_the_store(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    found = questions.traces(store=path, limit=12)
    url = served(path)
    for one, other in zip(found[::2], found[1::2], strict=True):
        page.goto(at(url, a=one.trace_id, b=other.trace_id))
        for name, told in (
            ("model calls", (one.calls, other.calls)),
            ("tokens read", (one.input_tokens, other.input_tokens)),
            ("tokens written", (one.output_tokens, other.output_tokens)),
        ):
            assert line(page, name)[:2] == [f"{each:,}" for each in told]


def test_a_large_trace_is_shown_in_parts(page: Page, served: Served, store: Store) -> None:
    path = store("large_trace")
    (trace,) = questions.traces(store=path, limit=1)
    page.goto(at(served(path), a=trace.trace_id, b=trace.trace_id))
    expect(steps(page)).to_have_count(500)
    expect(page.get_by_text("10,000 in order of their names")).to_be_visible()
    expect(page.get_by_text("both have all of them")).to_be_visible()
    page.get_by_role("link", name="9,500 more").click()
    page.get_by_role("link", name="9,000 more").click()
    expect(steps(page)).to_have_count(500)
    page.get_by_role("link", name="Before").click()
    assert page.url.endswith("first=500")


# --- steps --------------------------------------------------------------------------------------


def test_two_calls_side_by_side(page: Page, two: str) -> None:
    page.goto(at(two, **CHATS))
    assert line(page, "cost") == ["–", "$0.004", "", ""]
    assert line(page, "time") == ["1.50 s", "2.50 s", "+1.00 s", "× 1.67"]
    assert line(page, "model") == ["small", "large"]
    assert line(page, "request.temperature") == ["0.2", "0.9"]
    answer = page.get_by_role("region", name="Answer")
    assert answer.locator("del").all_inner_texts() == ["KMC X9", "114", "19.90"]
    assert answer.locator("ins").all_inner_texts() == ["Shimano HG53", "116", "17.50"]
    expect(page.locator("ins", has_text="old")).to_be_visible()
    expect(page.get_by_text("2 messages the same")).to_be_visible()
    expect(page.get_by_text("1 tool the same")).to_be_visible()
    same = page.get_by_text("500", exact=True)
    expect(same).to_be_hidden()
    page.get_by_text("5 the same").click()
    expect(same).to_be_visible()
    page.get_by_role("link", name="small").click()
    page.wait_for_url(f"**/traces/{CHATS['a']}")


def test_a_call_is_compared_with_the_one_before_from_its_page(
    page: Page, served: Served, store: Store
) -> None:
    path = store("conversation_of_200_turns")
    newest, before = questions.calls(store=path, models=True, limit=2)
    page.goto(f"{served(path)}/traces/{newest.trace_id}/{newest.span_id}")
    page.get_by_role("link", name="compare with the call before").click()
    expect(page.locator("h1")).to_have_text("Two steps")
    links = page.locator(".side h2 a").evaluate_all("links => links.map(link => link.pathname)")
    assert links == [f"/traces/{each.trace_id}/{each.span_id}" for each in (before, newest)]
    page.go_back()
    page.locator(".chosen").get_by_role("link", name="compare …").click()
    page.locator("table.list a.name").nth(3).click()
    expect(page.get_by_text("only B").first).to_be_visible()
    assert "messages the same" in page.locator("main").inner_text()


def test_a_call_that_has_none_before_says_so(page: Page, watched: Watched, two: str) -> None:
    watched.expect("refused", "compare.*: 404")
    page.goto(f"{two}/traces/{CHATS['a']}")
    page.get_by_role("link", name="compare with the call before").click()
    expect(page.locator("main")).to_contain_text("No earlier call is like this one")
    page.goto(at(two, b=CHATS["a"]))
    expect(page.locator("main")).to_contain_text("None: no earlier call stands where it does")


def test_any_two_are_compared_by_their_addresses(page: Page, two: str) -> None:
    page.goto(at(two))
    form = page.get_by_role("region", name="By id")
    form.get_by_label("A", exact=True).fill(f"{two}/traces/{CHATS['a']}?plain=1")
    form.get_by_label("B", exact=True).fill(CHATS["b"])
    form.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("Two steps")
    assert line(page, "model") == ["small", "large"]


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({"a": "f" * 32, "b": SECOND_RUN}, 404, "There is no trace ffff"),
        ({"a": FIRST, "b": f"{SECOND_RUN}/ffff"}, 404, "There is no span ffff"),
        ({"a": "a/b/c", "b": SECOND_RUN}, 400, "'a/b/c' is no trace, nor TRACE/SPAN"),
        ({**TRACES, "first": "x"}, 400, "invalid literal"),
        ({"a": "1", "b": "2", "by": "weather"}, 400, "by is one of"),
        ({"a": "1", "b": "2", "by": "tag", "colour": "x"}, 400, "has no parameter 'colour'"),
        ({"a": "1", "b": "2", "by": "tag", "since": "x"}, 400, "'x' is no time"),
        ({"b": "nowhere", "before": "1"}, 404, "There is no trace nowhere"),
    ],
)
def test_what_cannot_be_compared_is_told(
    page: Page, watched: Watched, two: str, given: dict[str, str], status: int, told: str
) -> None:
    watched.expect("refused", f": {status}$")
    page.goto(at(two, **given))
    expect(page.locator("main")).to_contain_text(told)


# --- sets ---------------------------------------------------------------------------------------


def test_sets_are_what_the_question_finds(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    found = questions.compare("1", "2", by="prompt_version", prompt="research", store=path)
    page.goto(at(served(path), since="all"))
    form = page.locator("form.choice", has_text="Versions of research")
    assert form.locator("select").first.input_value() == "1"
    form.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("prompt version 1 and 2 of research")
    rows = page.locator("table.sets tbody tr")
    found = [each for each in found if each.a is not None or each.b is not None]
    expect(rows).to_have_count(len(found))
    for row, told in zip(rows.all(), found, strict=True):
        text = row.inner_text()
        assert told.measure in text and f"{told.a_n:,}" in text and f"{told.b_n:,}" in text
        # A bar for each side that has an interval.
        bars = row.locator("svg")
        assert bars.count() == (2 if told.a_low is not None else 0)
        if told.a_low is not None:
            assert bars.first.locator("circle").count() == 1
            assert bars.first.get_attribute("aria-label")
    assert "score of helpful" in page.locator("main").inner_text()
    page.get_by_role("link", name="swap").click()
    expect(page.locator("h1")).to_have_text("prompt version 2 and 1 of research")


def test_tags_and_models_are_chosen_by_a_form(page: Page, served: Served, store: Store) -> None:
    url = served(store("many"))
    page.goto(at(url, since="all"))
    tags = page.locator("form.choice", has_text="Tags")
    tags.get_by_label("A", exact=True).select_option("stable")
    tags.get_by_label("B", exact=True).select_option("beta")
    tags.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("tag stable and beta")
    page.goto(at(url, by="model", a="gpt-6-luna", since="all"))
    page.locator("ul.plain a").first.click()
    expect(page.locator("h1")).to_contain_text("model gpt-6-luna and ")


def test_what_is_older_than_a_day_is_a_click_away(page: Page, two: str) -> None:
    page.goto(at(two, by="prompt_version", prompt="mechanic", a="1", b="2"))
    expect(page.locator(".empty")).to_contain_text("No model call of either in the last 24h.")
    page.get_by_role("link", name="Of all time").click()
    assert line(page, "latency")[:3] == ["1.50 s", "2.50 s", "+1.00 s"]
    page.goto(at(two, by="prompt_version", prompt="mechanic", a="1", b="none", since="all"))
    expect(page.locator(".warn").first).to_contain_text("No model call of none")


# --- by keyboard, hostile, huge -----------------------------------------------------------------


def test_by_keyboard_alone(page: Page, two: str) -> None:
    page.goto(at(two))
    first = page.locator("input[type=radio][name=a]:checked")
    first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    expect(page.locator("input[type=radio][name=b]:checked")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Two traces")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Two steps")
    # The newer one was chosen first.
    assert line(page, "model") == ["large", "small"]


def test_nothing_hostile_is_markup(page: Page, served: Served, store: Store) -> None:
    """The steps of hostile traces, each beside one of another, and names that are chosen."""
    path = store("hostile")
    url = served(path)
    engine = SQLite(path)
    calls = engine.ask(
        "SELECT trace_id, span_id FROM calls WHERE length(name) < 1000 "
        "ORDER BY operation, trace_id, span_id"
    ).rows
    engine.close()
    places = [f"{trace}/{span}" for trace, span in calls[:: max(1, len(calls) // 30)]]
    for one, other in pairwise(places):
        page.goto(at(url, a=one, b=other))
        expect(page.locator("h1")).to_have_text("Two steps")
        assert_fits(page)
    traces = [each.partition("/")[0] for each in places[:6]]
    for trace, beside in pairwise(traces):
        page.goto(at(url, a=trace, b=beside))
        expect(page.locator("h1")).to_have_text("Two traces")
        assert_fits(page)
        page.goto(at(url, b=trace))
        assert_fits(page)
    page.goto(at(url, since="all"))
    assert_fits(page)
    for form in page.locator("form.choice").all():
        form.get_by_role("button").click()
        expect(page.locator("h1")).to_contain_text(" and ")
        assert_fits(page)
        page.go_back()


def test_hostile_names_are_sent_back_as_they_are(
    page: Page, served: Served, tmp_path: Path
) -> None:
    names = ["<script>window.__hit = 1</script>", "\u202eevil", "a&amp;b \"'`", "..", "é/?#%41"]
    spans = [
        chat(n, [message("user", "?"), message("assistant", "!")],
             attributes={"gen_ai.request.model": name, "otelier.tags": [name]})
        for n, name in enumerate(names)
    ]  # fmt: skip
    url = served(written(tmp_path / "t.db", spans))
    for name in names[1:]:
        page.goto(at(url, since="all"))
        form = page.locator("form.choice", has_text="Models")
        form.get_by_label("A", exact=True).select_option(names[0])
        form.get_by_label("B", exact=True).select_option(name)
        form.get_by_role("button").click()
        expect(page.locator("h1")).to_contain_text("model <script>")
        assert line(page, "calls")[:3] == ["1", "1", "="], name
        assert_fits(page)
    page.goto(at(url, by="tag", a=names[1], since="all"))
    page.get_by_role("link", name=names[0]).click()
    assert line(page, "calls")[:2] == ["1", "1"]


@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
def test_huge_texts_are_compared_in_part_and_that_is_told(
    pages: Pages, served: Served, tmp_path: Path, size: object
) -> None:
    long = "lorem ipsum " * 800_000
    texts = [long, f"{long[:4_000_000]}CHANGED {long[4_000_000:]}", "dolor sit\n" * 900_000]
    spans = [
        chat(n, [message("user", text), message("assistant", text[:10] + str(n))])
        for n, text in enumerate(texts)
    ]
    url = served(written(tmp_path / "t.db", spans))
    page = pages() if size is None else pages(PHONE)
    places = [f"{n + 1:032x}/{n + 1:016x}" for n in range(3)]
    page.goto(at(url, a=places[0], b=places[1]))
    assert page.locator("ins", has_text="CHANGED").count() == 1
    expect(page.locator(".diff", has_text="CHANGED")).to_contain_text("the same characters")
    assert_fits(page)
    page.goto(at(url, a=places[0], b=places[2]))
    expect(page.locator("main")).to_contain_text("Compared no further")
    expect(page.locator("main")).to_contain_text("more characters")
    assert_fits(page)


def test_without_spans_it_says_what_to_run(page: Page, served: Served, tmp_path: Path) -> None:
    page.goto(at(served(written(tmp_path / "t.db", []))))
    expect(page.locator("main")).to_contain_text("otelier run python app.py")
