"""Every page to which the navigation leads, and one of each kind behind these: over each store, at
each size, light and dark. Nothing goes wrong in them, and nothing is wider than the window.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from otelier.web.pages.rendering import TOO_LONG
from tests.browser.looks import LOOKS, shot, wider
from tests.browser.stores import STORES
from tests.browser.watching import Watched, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

HREFS = "links => links.map(link => link.href)"


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=str)
@pytest.mark.parametrize("name", STORES)
def test_nothing_is_wrong(
    page: Page,
    watched: Watched,
    served: Callable[..., str],
    store: Callable[[str], Path],
    request: pytest.FixtureRequest,
    name: str,
) -> None:
    look = request.node.callspec.params["page"]
    page.goto(served(store(name)))
    navigation = page.locator("header nav a").evaluate_all(HREFS)
    assert len(navigation) > 3
    behind: dict[str, str] = {}
    for address in navigation:
        links = seen(page, watched, address, f"{name}-{look}")
        # Most of the stores is older than what pages show first.
        for always in [link for link in links if link == f"{address}?since=all"][:1]:
            links += seen(page, watched, always, f"{name}-{look}")
        for further in links:
            # What has a longer name than a link can say.
            if f"?{TOO_LONG}" in further:
                continue
            if urlsplit(further).netloc == urlsplit(page.url).netloc and further not in navigation:
                behind.setdefault(kind(further), further)
    for address in behind.values():
        seen(page, watched, address, f"{name}-{look}")


def seen(page: Page, watched: Watched, address: str, name: str) -> list[str]:
    """Look at what is there, in a tab of its own; where its links lead to."""
    from playwright.sync_api import Error

    tab = page.context.new_page()
    links: list[str] = []
    try:
        tab.goto(address)
    except Error as error:
        watched.note("failed", str(error))
    else:
        if told := wider(tab):
            watched.note("wide", told)
        shot(tab, f"{name}-{kind(address)}")
        links = tab.locator("main a").evaluate_all(HREFS)
        settle(tab)
    tab.close()
    return links


def kind(address: str) -> str:
    """What pages have in common of which one is as good as the other: all but ids and values."""
    parts = urlsplit(address)
    names = sorted(each.partition("=")[0] for each in parts.query.split("&") if each)
    first, *rest = parts.path.strip("/").split("/")
    return "-".join([first, *("x" for _ in rest), *names])
