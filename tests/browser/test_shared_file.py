"""An exported trace, opened from a file: no server, no script, and all that its reader needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from otelier import questions
from otelier import semconv as s
from otelier.cli.main import main
from otelier.store.opening import opened
from otelier.store.spans import StoredSpan
from otelier.web import sharing
from otelier.web.notebook import trace
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.browser.stores.hostile import everywhere
from tests.browser.stores.markup import PIECES

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Pages

Store = Callable[[str], Path]
Shared = Callable[..., Path]
CONVERSATION = "conversation_of_200_turns"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"
# All that a document has: elements, and attributes of any of them.
ELEMENTS: Final = (
    "html head meta title link style body header footer main section article div h1 h2 h3 h4 h5 h6 "
    "p span b i a ol ul li dl dt dd details summary pre code em strong blockquote hr br table "
    "thead tbody tr th td figure figcaption img svg rect time"
)
ATTRIBUTES: Final = (
    "lang charset http-equiv content name rel href class id open title role aria-label aria-hidden "
    "viewBox preserveAspectRatio x y width height target src alt loading start"
)
# What is there beside these, and what leads or asks elsewhere by itself.
STRANGE = """([elements, attributes]) => {
    const told = [];
    for (const element of document.querySelectorAll("*")) {
        if (!elements.includes(element.localName)) told.push(element.localName);
        for (const {name, value} of element.attributes) {
            if (!attributes.includes(name)) told.push(`${element.localName} ${name}`);
            if (name === "src" && !/^data:image\\/(png|jpeg|gif|webp);base64,/.test(value))
                told.push(value);
            const known = element.localName === "a" ? /^(#|https?:|mailto:)/i : /^data:,$/;
            if (name === "href" && !known.test(value)) told.push(value);
        }
    }
    return told;
}"""


@pytest.fixture(scope="module")
def shared(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """The file of a trace, made by the command: of a store by its name, and by the trace's id."""
    folder = tmp_path_factory.mktemp("shared")

    @cache
    def export(name: str, trace_id: str = "last") -> Path:
        file = folder / f"{name}-{trace_id}.html"
        words = ["export", "--html", trace_id, str(file), "--store", str(store(name))]
        assert main(words) == 0
        return file

    return export


def rows(page: Page) -> Any:
    return page.locator(".row:visible")


def step(page: Page, text: str) -> Any:
    """The first row with a text."""
    return page.locator(".row", has_text=text).first


def content(page: Page, span: StoredSpan | questions.Call) -> Any:
    return page.locator(f"#span-{span.span_id}")


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_a_pipeline_at_a_glance(page: Page, shared: Shared, request: pytest.FixtureRequest) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shared("pipeline").as_uri())
    assert page.title() == "workflow answer_question · otelier"
    head = page.locator("header").inner_text()
    for told in ("rag_pipeline", "6 model calls", "1 error", "$0.00441", "session-42", "14 spans"):
        assert told in head
    assert "Secrets were looked for once more" in head and "otelier" in head
    expect(rows(page)).to_have_count(14)
    assert "anthropic.NotFoundError" in step(page, "claude-sonnet-7").inner_text()
    # What failed is seen at once.
    expect(page.locator(".error:visible")).to_contain_text("model: claude-sonnet-7")
    assert_fits(page)
    shot(page, f"shared-{request.node.callspec.id}", whole=True)
    page.evaluate(OPEN_ALL)
    assert_fits(page)
    assert asked == [shared("pipeline").as_uri()]


def test_it_is_light_and_dark_as_its_reader_is(pages: Pages, shared: Shared) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        page = pages(PHONE, scheme)  # type: ignore[arg-type]
        page.goto(shared("pipeline").as_uri())
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen == {"rgb(255, 255, 255)", "rgb(21, 24, 29)"}


def test_the_numbers_are_those_of_the_store(page: Page, shared: Shared, store: Store) -> None:
    page.goto(shared("pipeline").as_uri())
    for call in questions.calls(store=store("pipeline"), models=True):
        row = page.locator(f".step:has(#span-{call.span_id}) > .row")
        text = row.inner_text()
        if call.input_tokens is not None:
            output = "–" if call.output_tokens is None else f"{call.output_tokens:,}"
            assert f"{call.input_tokens:,} → {output}" in text
        assert (call.cost is not None) == ("$" in text)


def test_bars_stand_where_the_time_went(page: Page, shared: Shared) -> None:
    page.goto(shared("pipeline").as_uri())
    boxes = page.locator(".row .ran").evaluate_all(
        "bars => bars.map(bar => bar.getBoundingClientRect()).map(b => [b.left, b.right])"
    )
    left, right = boxes[0]
    assert len(boxes) == 14 and right - left > 200
    # All are within that of the workflow, and those of siblings follow each other.
    assert all(left - 1 <= a < b <= right + 2 for a, b in boxes)
    assert [a for a, _ in boxes] == sorted(a for a, _ in boxes)


# --- folding ----------------------------------------------------------------------------------


def test_the_keyboard_suffices(page: Page, shared: Shared) -> None:
    page.goto(shared("pipeline").as_uri())
    page.keyboard.press("Tab")
    first = page.locator(".row").first
    expect(first).to_be_focused()
    own = page.locator(".step").first.locator("> .content")
    expect(own).to_be_hidden()
    page.keyboard.press("Enter")
    expect(own).to_be_visible()
    page.keyboard.press("Space")
    expect(own).to_be_hidden()
    # Behind a row is what folds the rows below it.
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("13 steps below")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("13 below")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(14)


def test_a_click_opens_a_step_and_another_folds_what_is_below(page: Page, shared: Shared) -> None:
    page.goto(shared("pipeline").as_uri())
    step(page, "days_until").click()
    result = page.locator(".step[open]", has_text="days_until").locator(".content")
    expect(result).to_contain_text("2027-03-31")
    agent = page.locator("li:has(> .step > .row :text-is('researcher'))")
    agent.locator("> .below > summary").click()
    expect(rows(page)).to_have_count(10)


# --- links ------------------------------------------------------------------------------------


def test_a_link_to_a_step_opens_it(page: Page, shared: Shared, store: Store) -> None:
    call = questions.calls(store=store("pipeline"), models=True)[-1]
    page.goto(f"{shared('pipeline').as_uri()}#span-{call.span_id}")
    expect(content(page, call)).to_be_in_viewport()
    expect(page.locator(f".step:has(#span-{call.span_id}) > .row")).to_be_in_viewport()
    # The link to be given to others is there.
    link = content(page, call).get_by_title("a link to this step")
    assert link.get_attribute("href") == f"#span-{call.span_id}"


def test_a_link_leads_into_what_is_folded(page: Page, shared: Shared, store: Store) -> None:
    spans = trace(store=store("large_trace")).spans
    above = {span.span_id: span.parent_id for span in spans}

    def depth(span_id: str | None) -> int:
        return 0 if span_id is None else 1 + depth(above[span_id])

    deepest = max(spans[:600], key=lambda span: depth(span.span_id))
    assert depth(deepest.span_id) > 140
    folded = next(span for span in spans if span.attributes.get(s.TOOL_NAME) == "read_page")
    file = shared("large_trace").as_uri()
    for span in (deepest, folded):
        page.goto("about:blank")
        page.goto(f"{file}#span-{span.span_id}")
        expect(content(page, span)).to_be_in_viewport()


def test_calls_of_tools_lead_to_what_ran(page: Page, shared: Shared) -> None:
    page.goto(shared(CONVERSATION).as_uri())
    page.evaluate(OPEN_ALL)
    link = page.locator(".call a", has_text="ran").last
    target = (link.get_attribute("href") or "").removeprefix("#")
    ran = page.locator(f".step:has(> #{target}) > .row")
    assert re.match(r"tool\s+stock", ran.inner_text())
    link.click()
    expect(ran).to_be_in_viewport()


# --- what is said -----------------------------------------------------------------------------


def texts(value: Any) -> list[str]:
    """All texts of messages, whatever part they stand in; of JSON those in it."""
    if isinstance(value, dict):
        return [text for name, each in value.items() if name != "type" for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    if isinstance(value, str) and value.startswith("{"):
        return texts(json.loads(value))
    return [value] if isinstance(value, str) else []


def lines(text: str) -> list[str]:
    """The lines of a text without what Markdown makes attributes or numbers of."""
    return re.sub(r"\(https?:[^)]*\)|```\w*|^\d+\. |^\|[-:|]*$", "", text, flags=re.M).splitlines()


def squeezed(text: str) -> str:
    """Letters and digits: Markdown makes something else of the rest."""
    return re.sub(r"[\W_]+", "", text)


def test_all_that_was_said_in_200_turns_is_there(page: Page, shared: Shared, store: Store) -> None:
    page.goto(shared(CONVERSATION).as_uri())
    calls = [
        span
        for span in trace(store=store(CONVERSATION)).spans
        if span.attributes.get(s.OPERATION_NAME) == s.CHAT
    ]
    first, last = calls[0], calls[-1]
    said = json.loads(first.attributes[s.INPUT_MESSAGES])
    assert len(said) > 450
    folds = content(page, first).locator(".chat > .fold > summary")
    expect(folds.last).to_have_text(f"{len(said) - 1} earlier messages")
    page.evaluate(OPEN_ALL)
    told = squeezed(content(page, first).inner_text())
    kinds = ("text", "tool_call", "tool_call_response", "reasoning")
    parts = [part for each in said for part in each["parts"] if part["type"] in kinds]
    wanted = {words for part in parts for text in texts(part) for words in lines(text)}
    assert len(wanted) > 600
    assert sorted(words for words in wanted if squeezed(words) not in told) == []
    # Of the last call what is new is seen, and what is not can be.
    new = content(page, last).locator("> .chat > .bubble")
    expect(new.first).to_contain_text("Question 199")
    before = content(page, last).locator("> .chat > .fold .chat")
    expect(before).to_contain_text("Question 12:")


def test_reasoning_is_folded_and_pictures_are_drawn(page: Page, shared: Shared) -> None:
    page.goto(shared(CONVERSATION).as_uri())
    page.evaluate("document.querySelectorAll('.step').forEach(each => each.open = true)")
    reasoning = page.locator(".chat > .bubble .reasoning:visible", has_text="stiff link").first
    expect(reasoning.locator("summary")).to_have_text("Reasoning")
    expect(reasoning.locator(".prose")).to_be_hidden()
    reasoning.locator("summary").click()
    expect(reasoning.locator(".prose")).to_contain_text("stiff link")
    page.evaluate(OPEN_ALL)
    picture = page.locator("img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("picture => picture.naturalWidth === 24", arg=picture.element_handle())


def test_results_stand_beside_their_calls(page: Page, shared: Shared) -> None:
    page.goto(shared(CONVERSATION).as_uri())
    page.evaluate(OPEN_ALL)
    both = page.locator(".call", has=page.locator(".gave"), has_text="HG53-191").first
    given, gave = both.locator(".given").bounding_box(), both.locator(".gave").bounding_box()
    assert given and gave and given["y"] == gave["y"] and given["x"] < gave["x"]


def test_it_prints_without_what_only_a_screen_needs(page: Page, shared: Shared) -> None:
    page.goto(shared("pipeline").as_uri())
    summary = page.locator(".below > summary").first
    expect(summary).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    expect(summary).to_be_hidden()
    # Paper is light.
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


# --- large and hostile ------------------------------------------------------------------------


def test_ten_thousand_spans(page: Page, shared: Shared) -> None:
    page.goto(shared("large_trace").as_uri())
    expect(page.locator("li .row")).to_have_count(10_000)
    # The list below one step is long, and folded at first.
    folded = page.locator(".below:not([open])")
    expect(folded).to_have_count(1)
    shown = rows(page).count()
    folded.locator("> summary").press("Enter")
    assert rows(page).count() == shown + 4000
    last = page.locator(".row").last
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    assert_fits(page)


@pytest.mark.parametrize("word", PIECES)
def test_a_text_is_a_text_wherever_it_stands(page: Page, tmp_path: Path, word: str) -> None:
    text = PIECES[word]
    # What is shown of the others is shown of these, too.
    shown = (s.CHAT, s.EXECUTE_TOOL, s.RETRIEVAL)
    spans = [
        span
        for span in everywhere(text, count(1))
        if span.attributes[s.OPERATION_NAME] in shown and s.TAGS in span.attributes
    ]
    said = {
        spans[0].span_id: [dict.fromkeys(("evaluation", "score", "label", "explanation"), text)]
    }
    file = tmp_path / "shared.html"
    file.write_bytes(sharing.document(spans, said).encode())
    page.goto(file.as_uri())
    assert page.evaluate(STRANGE, [ELEMENTS.split(), ATTRIBUTES.split()]) == []
    page.evaluate(OPEN_ALL)
    assert word in page.locator("body").inner_text()
    assert page.evaluate("window.__hit") is None
    assert_fits(page)


def test_what_is_huge_or_odd_opens(page: Page, shared: Shared, store: Store) -> None:
    engine = opened(str(store("hostile")))
    rows = engine.ask("SELECT DISTINCT trace_id, name FROM otelier.spans").rows
    engine.close()
    named = {str(name): str(trace_id) for trace_id, name in rows}
    names = (
        "chat huge",
        "execute_tool deep",
        "very many things",
        "in a ring",
        "jumps",
        "both ends",
    )
    for name in names:
        page.goto(shared("hostile", named[name]).as_uri())
        page.evaluate(OPEN_ALL)
        assert page.locator(".row").count() > 0
        assert_fits(page)


# --- from the page, and in another page -------------------------------------------------------


def test_the_page_of_a_trace_offers_it(
    page: Page, served: Callable[..., str], store: Store, tmp_path: Path
) -> None:
    path = store("pipeline")
    trace_id = questions.traces(store=path, limit=1)[0].trace_id
    page.goto(f"{served(path)}/traces/{trace_id}")
    with page.expect_download() as loading:
        page.get_by_role("link", name="share").click()
    assert loading.value.suggested_filename == f"trace-{trace_id[:8]}.html"
    file = tmp_path / "from the page.html"
    loading.value.save_as(file)
    page.goto(file.as_uri())
    expect(rows(page)).to_have_count(14)


def test_a_trace_that_is_not_there_is_no_file(
    page: Page, served: Callable[..., str], store: Store
) -> None:
    answer = page.request.get(f"{served(store('pipeline'))}/export/{'f' * 32}.html")
    assert answer.status == 404 and "There is no trace" in answer.text()
    assert "content-disposition" not in answer.headers


HOST = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<h1>A notebook</h1><p>Text, <a href="#x">a link</a> and <code>code</code></p><button>b</button>
<table><tr><th>a<td>b</table><ol><li>one<li>two</ol><details open><summary>s</summary>d</details>
<dl class="facts"><dt>a<dd>b</dl><pre class="text">x</pre><div class="row bubble tree">r</div>{}"""
STYLES = """() => [...document.querySelectorAll("body > *, body > :not(.otelier-trace) *")]
    .filter(element => !element.closest(".otelier-trace"))
    .map(element => [element.outerHTML, [...getComputedStyle(element)].map(
        name => `${name}: ${getComputedStyle(element).getPropertyValue(name)}`).join("; ")])"""


def test_another_page_that_it_is_put_into_stays_as_it_is(
    page: Page, store: Store, tmp_path: Path
) -> None:
    fragment = trace(store=store("pipeline"))._repr_html_()
    assert fragment is not None
    seen = []
    for name, more in (("without", ""), ("with", fragment)):
        file = tmp_path / f"{name}.html"
        file.write_text(HOST.format(more))
        page.goto(file.as_uri())
        seen.append(page.evaluate(STYLES))
    assert len(seen[0]) == 20 and seen[0] == seen[1]
    expect(page.locator(".otelier-trace .row:visible")).to_have_count(14)
    # Its own rules hold in there.
    assert (
        page.locator(".otelier-trace .steps").evaluate("e => getComputedStyle(e).padding") == "0px"
    )
