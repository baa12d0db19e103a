"""How a page is looked at: the size of the window, light or dark, and pictures of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from playwright.sync_api import Locator, LocatorAssertions, Page

Scheme: TypeAlias = Literal["light", "dark"]
# A folder for pictures, if somebody wants to see them.
_SHOTS: Final = os.environ.get("OTELIER_SHOTS", "")


@dataclass(frozen=True, slots=True)
class Size:
    """A window, in CSS pixels."""

    name: str
    width: int
    height: int
    touched: bool = False


DESKTOP: Final = Size("desktop", 1440, 900)
# As phones do, it takes a page that does not speak of its width for one made for wide windows.
PHONE: Final = Size("phone", 390, 844, touched=True)


@dataclass(frozen=True, slots=True)
class Look:
    """A window, and what its owner prefers."""

    size: Size = DESKTOP
    scheme: Scheme = "light"

    def __str__(self) -> str:
        return f"{self.size.name}-{self.scheme}"

    def options(self) -> dict[str, Any]:
        """What Playwright calls this of a context; the same everywhere else."""
        return {
            "viewport": {"width": self.size.width, "height": self.size.height},
            "is_mobile": self.size.touched,
            "has_touch": self.size.touched,
            "color_scheme": self.scheme,
            "locale": "en-US",
            "timezone_id": "UTC",
        }


LOOKS: Final = tuple(
    Look(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")
)


def expect(what: Locator) -> LocatorAssertions:
    """What is to be seen before long: Playwright's own, imported when it is needed."""
    from playwright.sync_api import expect as playwrights

    return playwrights(what)


def shot(page: Page, name: str, *, whole: bool = False) -> None:
    """Write ``name``.png into the folder that OTELIER_SHOTS names; without one do nothing.

    ``whole``: the page from its top to its end, and not only what is in the window.
    """
    if _SHOTS:
        path = Path(_SHOTS) / f"{name}.png"
        page.screenshot(path=path, full_page=whole, animations="disabled")


def wider(page: Page) -> str:
    """What on the page is wider than the window; empty if nothing is."""
    size = page.viewport_size
    assert size is not None
    # Not by innerWidth: a phone zooms out until all of it is in the window.
    found = page.evaluate(_WIDER, size["width"])
    return f"{page.url} is wider than {size['width']}: {', '.join(found)}" if found else ""


def assert_fits(page: Page) -> None:
    """Fail if something on the page is wider than the window."""
    told = wider(page)
    assert not told, told


# What sticks out, if the page can be scrolled sideways. How a text is shown the browser chooses.
_WIDER: Final = """width => {
    const root = document.documentElement;
    if (document.contentType !== "text/html" || root.scrollWidth <= width) return [];
    const out = [...document.querySelectorAll("body *")]
        .filter(element => element.getBoundingClientRect().right > width + 0.5)
        .map(element => element.outerHTML.slice(0, 120));
    return [`${root.scrollWidth} pixels`, ...out.slice(0, 5)];
}"""
