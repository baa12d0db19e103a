"""A real browser, pages that tell what goes wrong in them, and ``otelier ui`` to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.browser import chromium as browsers
from tests.browser import stores
from tests.browser.looks import DESKTOP, Look, Scheme, Size
from tests.browser.serving import serving
from tests.browser.watching import Watched, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Pages(Protocol):
    """Opens pages, each in a context of its own; ``options`` are Playwright's, of the context."""

    def __call__(self, size: Size = DESKTOP, scheme: Scheme = "light", **options: Any) -> Page: ...


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, for the tests of a file: others have event loops of their own."""
    if why := browsers.missing():
        (pytest.fail if browsers.CI else pytest.skip)(f"no browser: {why}")
    with browsers.launched() as browser:
        yield browser


@pytest.fixture
def watched() -> Iterator[Watched]:
    """What happens in the pages of this test; at its end it fails for what was not expected."""
    found = Watched()
    yield found
    found.check()


@pytest.fixture
def pages(chromium: Browser, watched: Watched) -> Iterator[Pages]:
    """Further pages in a test."""
    with ExitStack() as stack:

        def open_one(size: Size = DESKTOP, scheme: Scheme = "light", **options: Any) -> Page:
            look = Look(size, scheme)
            return stack.enter_context(opened(chromium, watched, look, **options))

        yield open_one


@pytest.fixture
def page(pages: Pages, request: pytest.FixtureRequest) -> Page:
    """An empty page. Of another :class:`Look` by ``parametrize("page", LOOKS, indirect=True)``."""
    look: Look = getattr(request, "param", Look())
    return pages(look.size, look.scheme)


@pytest.fixture(scope="module")
def served() -> Iterator[Callable[..., str]]:
    """Runs ``otelier ui`` on a store, with further options; gives its URL.

    It runs until the file's tests are done, and the same store with the same options runs once.
    """
    with ExitStack() as stack:

        @cache
        def serve(store: Path, *options: str) -> str:
            return stack.enter_context(serving(store, *options))

        yield serve


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A store of :data:`stores.STORES`, by its name. All tests share it: none writes into it."""
    return cache(partial(stores.made_in, tmp_path_factory.mktemp("stores")))
