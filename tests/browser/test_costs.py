"""Costs in a browser: the numbers of the store, charts of them, links that narrow, live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from otelier import questions
from otelier import semconv as s
from otelier.questions.cells import cell
from otelier.questions.table import BY_NAME
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from tests.browser.looks import LOOKS, PHONE, assert_fits, expect, shot
from tests.store.made import MOMENT, SECOND, span, written

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Pages

Served = Callable[..., str]
Store = Callable[[str], Path]
COLUMNS = {column.name: column for column in BY_NAME["costs"].columns}
HOUR = 3600


def call(number: int, model: str, *, seconds: float = 0, **attributes: Any) -> StoredSpan:
    """A model call so many seconds later."""
    told = {
        s.OPERATION_NAME: s.CHAT,
        s.PROVIDER_NAME: "acme",
        s.REQUEST_MODEL: model,
        s.USAGE_INPUT: 1000 * number,
        s.USAGE_OUTPUT: 10 * number,
        s.COST: 0.25 * number,
        **attributes,
    }
    began = MOMENT + round(seconds * SECOND)
    return span(number, kind="CLIENT", attributes=told, start_ns=began, end_ns=began + SECOND)


def rows(page: Page) -> Iterator[tuple[str, list[str]]]:
    """The table's rows: the name, and what else is in them."""
    table = page.locator("#rows")
    table.wait_for()
    for line in table.locator("tbody tr").all():
        name, *cells = line.locator("td").all()
        yield name.locator(".name, b").inner_text(), [each.inner_text() for each in cells]


def painted(chart: Locator) -> int:
    """How many colours a chart has."""
    found: int = chart.locator("canvas").evaluate(
        """canvas => {
            const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set(new Uint32Array(all.data.buffer));
            return seen.size;
        }"""
    )
    return found


def near(chart: Locator, colour: str) -> int:
    """How many pixels of a chart are of a name's colour, as the browser shows it."""
    found: int = chart.evaluate(
        """(figure, name) => {
            const swatch = [...figure.querySelectorAll(".name")].find(
                each => each.textContent.trim() === name).querySelector(".swatch");
            const wanted = getComputedStyle(swatch).backgroundColor.match(/\\d+/g).map(Number);
            const canvas = figure.querySelector("canvas");
            const { data } = canvas.getContext("2d").getImageData(
                0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let at = 0; at < data.length; at += 4)
                count += wanted.every((part, index) => Math.abs(data[at + index] - part) < 3)
                    && data[at + 3] > 250;
            return count;
        }""",
        colour,
    )
    return found


def chart(page: Page, what: str) -> Locator:
    """The figure of costs, or of tokens, once it is drawn."""
    found = page.locator("figure.chart", has_text=what)
    found.locator("canvas").wait_for()
    return found


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_costs_at_a_glance(
    page: Page, served: Served, store: Store, request: pytest.FixtureRequest
) -> None:
    page.goto(f"{served(store('many'))}/costs?since=all")
    expect(page.locator("nav[aria-label='Period'] [aria-current]")).to_have_text("all")
    expect(page.locator("nav[aria-label='Summed by'] [aria-current]")).to_have_text("model")
    for what in ("Cost", "Tokens"):
        assert painted(chart(page, what)) > 8
    assert near(chart(page, "Cost"), "claude-sonnet-5-5") > 500
    assert near(chart(page, "Tokens"), "all input") > 500
    page.locator("#cache table").wait_for()
    assert_fits(page)
    shot(page, f"costs-{request.node.callspec.params['page']}", whole=True)


@pytest.mark.parametrize("by", ["model", "user", "session", "tag", "day", "agent", "step"])
def test_the_numbers_are_those_of_the_store(
    page: Page, served: Served, store: Store, by: Any
) -> None:
    path = store("many")
    page.goto(f"{served(path)}/costs?since=all&by={by}")
    true = questions.costs(by=by, store=path, limit=0)
    if by == "day":
        true.reverse()
    names = ("unpriced", "calls", "errors", "input_tokens", "cache_read_tokens", "output_tokens")
    found = list(rows(page))
    assert len(found) == min(len(true), 100)
    for (name, (cost, _, *cells)), row in zip(found, true, strict=False):
        assert (name, cost) == (cell(COLUMNS["key"], row), cell(COLUMNS["cost"], row))
        told = ["" if name in ("unpriced", "errors") and not getattr(row, name)
                else cell(COLUMNS[name], row) for name in (*names, "mean_seconds")]  # fmt: skip
        assert cells == told, name


def test_the_sums_are_of_everything(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    true = questions.costs(by="operation", store=path)
    page.goto(f"{served(path)}/costs?since=all&by=tag")
    told = dict(
        zip(page.locator(".sums dt").all_inner_texts(), page.locator(".sums dd").all_inner_texts(),
            strict=True)
    )  # fmt: skip
    assert int(told["model calls"]) == sum(row.calls for row in true)
    assert int(told["errors"]) == sum(row.errors for row in true)
    read = sum(row.input_tokens for row in true if row.input_tokens is not None)
    assert told["tokens in"] == f"{read:,}"
    paid = sum(row.cost for row in true if row.cost is not None)
    assert told["cost"] == f"≥ ${paid:.3f}"
    unpriced = sum(row.unpriced for row in true)
    expect(page.locator("a[href='#unpriced']")).to_have_text(
        f"{unpriced} calls without a known price"
    )


def test_the_table_beside_the_charts_has_their_numbers(
    page: Page, served: Served, store: Store
) -> None:
    path = store("many")
    page.goto(f"{served(path)}/costs?since=all&by=user")
    drawn = json.loads(chart(page, "Cost").locator(".plot").get_attribute("data-chart") or "")
    page.locator("#numbers summary").click()
    heads = page.locator("#numbers th").all_inner_texts()
    keys = [row.key for row in questions.costs(by="user", store=path)][:5]
    assert heads[:7] == ["day (UTC)", *keys, "others"]
    days = {row.key: row for row in questions.costs(by="day", store=path)}
    lines = page.locator("#numbers tbody tr").all()
    assert len(lines) == len(days) == len(drawn["moments"])
    for line in lines:
        day, *cells = line.locator("td").all_inner_texts()
        place = drawn["moments"].index(day)
        assert cells[:6] == [part["words"][place] for part in drawn["parts"]]
        assert cells[6] == drawn["total"][place] == cell(COLUMNS["cost"], days[day])
        assert cells[7] == cell(COLUMNS["input_tokens"], days[day])
        # Where a bar ends is the sum of what stands in it.
        tops = [part["tops"][place] for part in drawn["parts"]]
        assert max(top for top in tops if top is not None) == pytest.approx(days[day].cost)


def test_links_narrow(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    page.goto(f"{served(path)}/costs?since=all")
    page.locator("#rows a.name", has_text="gpt-6.1-sol").click()
    page.wait_for_url("**/costs?*model=gpt-6.1-sol*")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {"since": ["all"], "model": ["gpt-6.1-sol"], "by": ["user"]}
    true = questions.costs(by="user", model="gpt-6.1-sol", store=path)
    assert [name for name, _ in rows(page)] == [row.key for row in true]
    page.locator(f"#rows a.name >> text='{true[0].key}'").click()
    page.wait_for_url("**user=*")
    expect(page.locator("a.chip.on", has_text="×")).to_have_count(2)
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    # A condition is taken away by a click; all else stays.
    page.locator("a.chip.on", has_text="gpt-6.1-sol").click()
    page.wait_for_url(lambda url: "model=" not in url)
    assert f"user={true[0].key}" in page.url and "since=all" in page.url
    page.locator("#rows tr", has_text="gpt-6-luna").locator("a", has_text="traces").click()
    page.wait_for_url(f"**/traces?user={true[0].key}&model=gpt-6-luna")


def test_a_day_leads_to_that_day(page: Page, served: Served, store: Store) -> None:
    path = store("many")
    page.goto(f"{served(path)}/costs?since=all&by=day")
    day, _ = next(rows(page))
    page.locator("#rows a.name").first.click()
    page.wait_for_url("**until=*")
    true = questions.costs(by="model", since=day, store=path)
    assert [name for name, _ in rows(page)] == [row.key for row in true]
    assert "by hour" in chart(page, "Cost").locator("figcaption").inner_text()


def test_everything_is_reached_by_the_keyboard(page: Page, served: Served, store: Store) -> None:
    page.goto(f"{served(store('many'))}/costs?since=all")
    page.locator("#rows").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#rows a.name").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**by=user*")
    page.locator("#numbers summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#numbers table")).to_be_visible()


def test_a_pointer_on_a_chart_is_told_what_is_there(
    page: Page, served: Served, store: Store
) -> None:
    path = store("many")
    page.goto(f"{served(path)}/costs?since=all")
    figure = chart(page, "Cost")
    box = figure.locator(".u-over").bounding_box()
    assert box is not None
    day = questions.costs(by="day", store=path)[-1]
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 50)
    tip = figure.locator(".tip")
    expect(tip).to_be_visible()
    told = tip.inner_text()
    assert day.key in told and cell(COLUMNS["cost"], day) in told
    assert f"{day.unpriced} calls without a known price" in told
    page.mouse.move(box["x"], box["y"] - 200)
    expect(tip).to_be_hidden()


def test_what_is_not_known_is_a_gap_with_a_mark(page: Page, served: Served, tmp_path: Path) -> None:
    path = written(tmp_path / "t.db", [
        call(1, "a"),
        call(2, "a", seconds=2 * HOUR, **{s.COST: None}),
        call(3, "b", seconds=3 * HOUR),
    ])  # fmt: skip
    page.goto(f"{served(path)}/costs?since=2026-11-20&until=2026-11-21")
    figure = chart(page, "Cost")
    drawn = json.loads(figure.locator(".plot").get_attribute("data-chart") or "")
    assert len(drawn["moments"]) == 24
    (b, a) = drawn["parts"]
    assert (b["tops"][10:14], a["tops"][10:14]) == (
        [None, None, None, 0.75],
        [0.25, None, None, None],
    )
    assert [words for words in drawn["missing"] if words] == ["1 call without a known price"]
    assert near(figure, "more than is known") > 20
    assert "more than is known" not in chart(page, "Tokens").inner_text()
    expect(page.locator(".sums .money")).to_have_text("≥ $1.00")


def test_a_model_without_a_price_has_a_line_for_the_price_file(
    page: Page, served: Served, store: Store
) -> None:
    path = store("many")
    page.goto(f"{served(path)}/costs?since=all")
    page.locator("a[href='#unpriced']").click()
    section = page.locator("#unpriced")
    expect(section).to_be_in_viewport()
    (true,) = questions.unpriced(store=path)
    line = section.locator("tbody tr").inner_text()
    assert true.model in line and f"{true.input_tokens:,}" in line
    told = section.locator("code.take").inner_text()
    assert told == '"ollama/llama3.2": {"input": INPUT, "output": OUTPUT}'
    section.get_by_text("All lines as a file").click()
    assert page.locator("body").inner_text().splitlines() == ["{", f"  {told}", "}"]


def test_what_caches_saved_is_known_or_said_not_to_be(
    page: Page, served: Served, tmp_path: Path
) -> None:
    cached = {s.USAGE_CACHE_READ: 800, s.COST_INPUT: 0.2, s.COST_CACHE_READ: 0.05}
    known = call(1, "known", **cached)
    path = written(tmp_path / "t.db", [known, call(2, "unknown", **{s.USAGE_CACHE_READ: 5})])
    (first, second) = questions.cache(store=path)
    assert first.saved == pytest.approx(0.75) and second.unknown == 1
    url = served(path)
    for where in ("/costs?since=all", "/costs/cache?since=all"):
        page.goto(url + where)
        lines = page.locator("#cache tbody tr")
        expect(lines).to_have_count(2)
        assert "$0.75" in lines.nth(0).inner_text() and "80.0%" in lines.nth(0).inner_text()
        expect(lines.nth(1).locator(".warn")).to_have_text("1")


def test_new_calls_show_while_it_is_looked_at(page: Page, served: Served, tmp_path: Path) -> None:
    path = written(tmp_path / "t.db", [call(1, "a")])
    page.goto(f"{served(path)}/costs?since=2026-11-20&until=2026-11-21")
    figure = chart(page, "Cost")
    page.locator("#numbers summary").click()
    canvas = figure.locator("canvas").element_handle()
    expect(page.locator(".sums .money")).to_have_text("$0.25")
    Writer(path).write([call(4, "a", seconds=HOUR)])
    expect(page.locator(".sums .money")).to_have_text("$1.25")
    expect(page.locator("#numbers tbody tr")).to_have_count(2)
    # What the reader has opened is open, and the chart is the same, with more in it.
    expect(page.locator("#numbers table")).to_be_visible()
    assert canvas.evaluate("canvas => canvas.isConnected")
    before = near(figure, "a")
    Writer(path).write([call(2, "b", seconds=HOUR, **{s.COST: None})])
    expect(page.locator(".sums .money")).to_have_text("≥ $1.25")
    expect(page.locator("#unpriced")).to_be_visible()
    assert before > 100 and near(figure, "a") > 100
    assert near(figure, "more than is known") > 20


def test_a_chart_takes_the_colours_and_the_width_of_its_page(
    page: Page, served: Served, store: Store
) -> None:
    page.goto(f"{served(store('many'))}/costs?since=all")
    figure = chart(page, "Cost")
    name = "claude-sonnet-5-5"
    light = figure.locator(".swatch").first.evaluate(
        "each => getComputedStyle(each).backgroundColor"
    )
    assert near(figure, name) > 500
    page.locator("#theme").click()
    dark = figure.locator(".swatch").first.evaluate(
        "each => getComputedStyle(each).backgroundColor"
    )
    assert dark != light
    # It is drawn again in the next frame.
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert near(figure, name) > 500
    page.set_viewport_size({"width": 500, "height": 900})
    expect(figure.locator(".u-wrap")).to_have_css(
        "width", f"{figure.evaluate('e => e.clientWidth')}px"
    )
    assert_fits(page)


def test_where_nothing_was_called_it_says_what_to_do(
    page: Page, served: Served, store: Store, tmp_path: Path
) -> None:
    url = served(store("many"))
    page.goto(f"{url}/costs?since=1h&user=nobody")
    empty = page.locator(".empty")
    assert "No model was called in the last 1h under these conditions" in empty.inner_text()
    assert "otelier run python app.py" in empty.inner_text()
    empty.get_by_text("Without conditions").click()
    page.wait_for_url("**/costs?since=1h")
    page.locator(".empty a", has_text="At any time").click()
    page.locator("#rows").wait_for()
    page.goto(f"{served(written(tmp_path / 't.db', [span(1)]))}/costs?since=all")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in page.locator(".empty").inner_text()


@pytest.mark.parametrize("given", ["by=nothing", "since=yesterday", "until=never"])
def test_what_makes_no_sense_is_said(
    page: Page, served: Served, store: Store, watched: Any, given: str
) -> None:
    watched.expect("refused", given)
    page.goto(f"{served(store('many'))}/costs?{given}")
    assert given.partition("=")[2] in page.locator(".empty").inner_text()


def test_of_many_rows_the_first_hundred_are_shown_and_the_rest_by_a_link(
    pages: Pages, served: Served, tmp_path: Path
) -> None:
    path = written(tmp_path / "t.db", [call(number, f"m-{number:03}") for number in range(1, 131)])
    page = pages(PHONE)
    page.goto(f"{served(path)}/costs?since=all")
    expect(page.locator("#rows tbody tr")).to_have_count(100)
    page.get_by_text("All of them").first.click()
    expect(page.locator("#rows tbody tr")).to_have_count(130)
    assert_fits(page)
