"""The harness tells what goes wrong in a page, and has nothing to say of one that is right."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import looks
from tests.browser.chromium import launched
from tests.browser.conftest import Pages
from tests.browser.looks import DESKTOP, LOOKS, PHONE, Look, assert_fits, shot
from tests.browser.serving import Answer, site
from tests.browser.watching import Kind, UnexpectedError, Watched, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STRICT = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; img-src 'self' data:",
}
HEAD = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
VIEWPORT = '<meta name="viewport" content="width=device-width">'


def having(body: str, **headers: str) -> Answer:
    return Answer(HEAD + VIEWPORT + body, headers)


def doing(script: str) -> Answer:
    return having(f"<script>{script}</script>")


QUIET = {
    "/": having("<h1>Quiet</h1><a href='/next'>Next</a><script src='/ours.js'></script>", **STRICT),
    "/next": having("<h1>Next</h1>", **STRICT),
    "/ours.js": Answer("console.log('fine'); console.warn('fine, too')", kind="text/javascript"),
}
# By what is told of each: a kind, and what its text has.
TROUBLES: dict[str, tuple[Answer, Kind, str]] = {
    "an error in the console": (doing("console.error('oh', 'no')"), "console", "oh no"),
    "an exception": (doing("throw new TypeError('odd')"), "exception", "odd"),
    "a rejection": (doing("Promise.reject(new Error('late'))"), "exception", "late"),
    "an exception after a while": (doing("setTimeout(() => { throw 5 })"), "exception", "5"),
    "a dialog": (doing("alert('boo')"), "dialog", "alert boo"),
    "a question": (doing("confirm('sure?')"), "dialog", "confirm sure"),
    "a hit": (doing("window.__hit = 7"), "hit", "7"),
    "a hit in a frame": (
        having("<iframe srcdoc='<script>window.__hit = 1</script>'></iframe>"), "hit", "1",
    ),
    "a hit before it goes elsewhere": (
        doing("window.__hit = 'gone'; location.href = '/quiet'"), "hit", "gone",
    ),
    "an inline script": (having("<script>1</script>", **STRICT), "csp", "script-src-elem inline"),
    "an event handler": (
        having("<img src='data:,' onerror='1'>", **STRICT), "csp", "script-src-attr inline",
    ),
    "an inline style": (having("<p style='color: red'>x</p>", **STRICT), "csp", "style-src"),
    "a picture that is forbidden": (
        having("<img src='http://elsewhere.test/a.png'>", **STRICT), "csp", "img-src",
    ),
    "a picture of others": (
        having("<img src='http://elsewhere.test:1/a.png'>"), "foreign", "elsewhere",
    ),
    "a script of others": (
        having("<script src='https://cdn.example/a.js'></script>"), "foreign", "cdn.example",
    ),
    "a request to others": (
        doing("fetch('http://10.1.2.3/').catch(() => 0)"), "foreign", "10.1.2.3",
    ),
    "a beacon": (doing("navigator.sendBeacon('http://spy.example/', 'x')"), "foreign", "spy"),
    "a socket": (doing("new WebSocket('ws://spy.example/')"), "foreign", "ws://spy"),
    "a name that nobody has": (
        having("<img src='http://elsewhere.example/a.png'>"), "failed", "NAME_NOT_RESOLVED",
    ),
    "a script that is not there": (
        having("<script src='/gone.js'></script>"), "refused", "gone.js: 404",
    ),
    "a file of this machine": (
        having("<iframe src='file:///etc/hostname'></iframe>"), "console", "local resource",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    answers = {f"/{place}": answer for place, (answer, _, _) in enumerate(TROUBLES.values())}
    with site({**QUIET, **answers, "/quiet": QUIET["/next"]}) as found:
        yield found


def visited(chromium: Browser, url: str) -> Watched:
    """What is noted of a page."""
    watched = Watched()
    with opened(chromium, watched, Look()) as page:
        page.goto(url)
    return watched


def test_a_page_that_is_right_is_no_trouble(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_text("Next").click()
    assert page.get_by_role("heading").inner_text() == "Next"


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_is_told(chromium: Browser, url: str, name: str) -> None:
    _, kind, text = TROUBLES[name]
    watched = visited(chromium, f"{url}/{list(TROUBLES).index(name)}")
    with pytest.raises(UnexpectedError, match=f"(?m)^{kind}: .*{text}"):
        watched.check()
    for each in watched.troubles:
        watched.expect(each.kind)
    watched.check()


def test_a_page_that_is_refused_is_told(chromium: Browser, url: str) -> None:
    with pytest.raises(UnexpectedError, match=r"refused: .*/nowhere: 404"):
        visited(chromium, f"{url}/nowhere").check()


def test_another_site_on_this_machine_is_another_host(chromium: Browser, url: str) -> None:
    with site({"/": having("there")}, ours=False) as other:
        with site({"/": having(f"<iframe src='{other}/'></iframe>")}) as found:
            with pytest.raises(UnexpectedError) as told:
                visited(chromium, found).check()
    assert str(told.value) == f"foreign: {other}/"


def test_names_that_end_in_test_are_this_machine(page: Page, watched: Watched, url: str) -> None:
    watched.expect("foreign", r"http://evil\.test:\d+/")
    page.goto(url.replace("127.0.0.1", "evil.test"))
    assert page.get_by_role("heading").inner_text() == "Quiet"


def test_what_is_expected_has_to_come(chromium: Browser, url: str) -> None:
    watched = visited(chromium, url)
    watched.expect("console", "oh no")
    with pytest.raises(UnexpectedError, match="did not happen: console oh no"):
        watched.check()


def test_a_window_that_is_opened_is_watched(page: Page, watched: Watched, url: str) -> None:
    watched.expect("console", "from the second")
    with site({"/": doing("console.error('from the second')")}) as second:
        page.goto(url)
        with page.expect_popup() as popup:
            page.evaluate("url => { open(url) }", second)
        popup.value.wait_for_load_state()


def test_a_request_that_a_page_stops_is_no_trouble(page: Page, url: str) -> None:
    with site(
        {
            "/": doing(
                "const it = new AbortController(); fetch('/', {signal: it.signal})"
                ".catch(() => { document.title = 'stopped' }); it.abort()"
            )
        }
    ) as found:
        page.goto(found)
        page.wait_for_function("document.title === 'stopped'")  # fmt: skip


def test_a_page_in_a_file_is_no_trouble_alone(page: Page, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"{HEAD}<h1>Alone</h1>")
    page.goto((tmp_path / "page.html").as_uri())
    assert page.get_by_role("heading").inner_text() == "Alone"


def test_a_page_in_a_file_that_asks_for_more_is_trouble(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "beside.css").write_text("h1 { color: red }")
    (tmp_path / "page.html").write_text(f"{HEAD}<link rel=stylesheet href=beside.css>")
    watched = visited(chromium, (tmp_path / "page.html").as_uri())
    with pytest.raises(UnexpectedError, match=r"foreign: file:.*beside\.css"):
        watched.check()


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
def test_a_page_is_looked_at_as_asked(page: Page, url: str, request: pytest.FixtureRequest) -> None:
    look = request.node.callspec.params["page"]
    page.goto(url)
    assert page.evaluate("[innerWidth, innerHeight]") == [look.size.width, look.size.height]
    assert page.evaluate(f"matchMedia('(prefers-color-scheme: {look.scheme})').matches")
    assert page.evaluate("matchMedia('(pointer: coarse)').matches") is look.size.touched
    assert_fits(page)


@pytest.mark.parametrize(
    "body",
    [
        f"{VIEWPORT}<div style='width: 500px'>wide</div>",
        f"{VIEWPORT}<p>{'x' * 500}</p>",
        "<p>made for wide windows</p>",
    ],
    ids=["a box", "a word", "no viewport"],
)
def test_a_page_wider_than_a_phone_is_told(pages: Pages, body: str) -> None:
    with site({"/": Answer(HEAD + body)}) as url:
        page = pages(PHONE)
        page.goto(url)
        with pytest.raises(AssertionError, match="is wider than 390"):
            assert_fits(page)


def test_a_text_is_as_wide_as_it_is(pages: Pages) -> None:
    with site({"/": Answer("x" * 500, kind="text/plain")}) as url:
        page = pages(PHONE)
        page.goto(url)
        assert_fits(page)


def test_pages_of_a_test_know_nothing_of_each_other(pages: Pages, url: str) -> None:
    first, second = pages(), pages(DESKTOP, "dark")
    for page in (first, second):
        page.goto(url)
        page.evaluate("localStorage.setItem('visited', localStorage.length)")
        assert page.evaluate("localStorage.getItem('visited')") == "0"


def test_pictures_are_taken_where_somebody_wants_them(
    page: Page, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto(url)
    monkeypatch.setattr(looks, "_SHOTS", "")
    shot(page, "unwanted")
    monkeypatch.setattr(looks, "_SHOTS", str(tmp_path))
    shot(page, "quiet")
    assert [path.name for path in tmp_path.iterdir()] == ["quiet.png"]
    assert (tmp_path / "quiet.png").read_bytes().startswith(b"\x89PNG")


def test_event_loops_run_again_where_a_browser_was(chromium: Browser) -> None:
    def work() -> str:
        with launched():
            pass
        return asyncio.run(asyncio.sleep(0, "ran"))

    # A thread of its own, for one runs here now.
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(work).result() == "ran"


@pytest.mark.parametrize(
    ("variables", "code", "told"),
    [
        ({"CI": ""}, 0, "tests/browser: 1 skipped: no browser: there is no /nowhere/chromium"),
        ({"CI": "true"}, 1, "Failed: no browser: there is no /nowhere/chromium"),
    ],
    ids=["elsewhere", "in CI"],
)
def test_without_a_browser_tests_are_skipped_visibly_and_fail_in_ci(
    variables: dict[str, str], code: int, told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "right"],
        env={**os.environ, "OTELIER_CHROMIUM": "/nowhere/chromium", **variables},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert told in done.stdout, done.stdout + done.stderr
    assert done.returncode == code
