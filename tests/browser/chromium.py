"""Chromium, driven by Playwright: which one, whether it is here, and how it is started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Asked once: no test sees the settings of the machine it runs on.
_NAMED: Final = os.environ.get("OTELIER_CHROMIUM", "")
# Where tests of the browser fail instead of being skipped.
CI: Final = os.environ.get("CI", "") not in ("", "0", "false")
# Chromium without windows, which takes a third less of a processor, or all of it.
_NAMES: Final = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# No name is looked up beyond this machine. Names that end in .test are this machine, so that a
# test can be another site.
_HOSTS: Final = "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
_OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules={_HOSTS}",
)


def program() -> str:
    """The browser's path; empty where there is none."""
    if _NAMED:
        return shutil.which(_NAMED) or ""
    return next((found for name in _NAMES if (found := shutil.which(name))), "")


def missing() -> str:
    """Why no browser can be driven here; empty where one can."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    if not program():
        return f"there is no {_NAMED or 'chromium (OTELIER_CHROMIUM says where one is)'}"
    return ""


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser, with a profile of its own, while the block runs.

    An event loop runs in this thread as long: nobody else can run one here.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()
