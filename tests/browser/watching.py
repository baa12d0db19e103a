"""What happens in a browser that should not: noted, and told at the end of a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from tests.browser.looks import Look

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Dialog,
        Page,
        Request,
        Response,
        WebError,
        WebSocket,
    )

Kind: TypeAlias = Literal[
    # An error in the console; an exception that nobody caught; a page that broke down.
    "console", "exception", "crash",
    # A request that got no answer; an answer of 400 and above; a request to somebody else.
    "failed", "refused", "foreign",
    # What the content security policy forbids.
    "csp",
    # Something ran that was only to be shown: it opened a dialog, or set `window.__hit`.
    "dialog", "hit",
    # What a test found and tells with the others: a page that is wider than its window.
    "wide",
]  # fmt: skip
# Where requests may go: what listens there is ours. By "host:port".
OURS: Final[set[str]] = set()
_INSIDE: Final = frozenset({"data", "blob", "about"})
# A page that is left stops what it has asked for.
_STOPPED: Final = "net::ERR_ABORTED"
# The console tells each answer of 400 and above, and each request that failed, once more.
_TOLD_BY_REQUESTS: Final = "Failed to load resource:"
_POLICY: Final = "Content Security Policy"
_LONG: Final = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class UnexpectedError(AssertionError):
    """Something happened that no test expected, or did not that one did."""


@dataclass
class Watched:
    """Notes what happens in the pages of a test."""

    troubles: list[Trouble] = field(default_factory=list)
    expected: list[tuple[Kind, str]] = field(default_factory=list)

    def expect(self, kind: Kind, pattern: str = "") -> None:
        """Such trouble has to come, once or more; ``pattern`` is searched for in its text."""
        self.expected.append((kind, pattern))

    def check(self) -> None:
        """Raise UnexpectedError if there was trouble that is not expected, or none that is."""
        left = [str(each) for each in self.troubles if not self._is_expected(each)]
        left += [
            f"expected and did not happen: {kind} {pattern}"
            for kind, pattern in self.expected
            if not any(_fits(each, kind, pattern) for each in self.troubles)
        ]
        if left:
            raise UnexpectedError("\n".join(left))

    def _is_expected(self, trouble: Trouble) -> bool:
        return any(_fits(trouble, kind, pattern) for kind, pattern in self.expected)

    def note(self, kind: Kind, text: str) -> None:
        """There is trouble; of a very long text the beginning and the end are told."""
        if len(text) > 2 * _LONG:
            text = f"{text[:_LONG]}… ({len(text):,} characters) …{text[-_LONG:]}"
        self.troubles.append(Trouble(kind, text))

    def attach(self, context: BrowserContext) -> None:
        """Watch all pages of a context, from their beginning."""
        context.expose_binding("__noted", self._noted)
        context.add_init_script(_NOTING)
        context.on("console", self._console)
        context.on("weberror", self._exception)
        context.on("dialog", self._dialog)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("crash", lambda page: self.note("crash", page.url))
        page.on("websocket", self._socket)

    def _noted(self, _: Any, kind: Kind, text: str) -> None:
        self.note(kind, text)

    def _console(self, message: ConsoleMessage) -> None:
        text = message.text
        if message.type == "error" and not text.startswith(_TOLD_BY_REQUESTS):
            where = message.location.get("url", "")
            self.note("csp" if _POLICY in text else "console", f"{text} ({where})")

    def _exception(self, error: WebError) -> None:
        self.note("exception", str(error.error))

    def _dialog(self, dialog: Dialog) -> None:
        self.note("dialog", f"{dialog.type} {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        # A page in a file is a page; what it would load from other files is none of it.
        ours = parts.netloc in OURS or (parts.scheme == "file" and request.is_navigation_request())
        if parts.scheme not in _INSIDE and not ours:
            self.note("foreign", request.url)

    def _socket(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).netloc not in OURS:
            self.note("foreign", socket.url)

    def _failed(self, request: Request) -> None:
        if request.failure != _STOPPED:
            self.note("failed", f"{request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.note("refused", f"{response.url}: {response.status}")


def _fits(trouble: Trouble, kind: Kind, pattern: str) -> bool:
    return trouble.kind == kind and re.search(pattern, trouble.text) is not None


# Runs in each frame before anything of the page does.
_NOTING: Final = """(() => {
    const noted = window.__noted;
    let hit;
    Object.defineProperty(window, "__hit", {
        get: () => hit,
        set: value => { hit = value; noted("hit", `${value} (${location.href})`); },
    });
    document.addEventListener("securitypolicyviolation", event => noted(
        "csp",
        `${event.effectiveDirective} ${event.blockedURI} ${event.sample} (${event.documentURI})`,
    ));
})()"""
# What has happened by then has been told.
_SETTLED: Final = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


def settle(page: Page) -> None:
    """Return when all that has happened in the page has been noted."""
    from playwright.sync_api import Error

    # It may just be going somewhere else.
    with suppress(Error):
        page.evaluate(_SETTLED)


@contextmanager
def opened(browser: Browser, watched: Watched, look: Look, **options: Any) -> Iterator[Page]:
    """An empty page in a context of its own; ``options`` are Playwright's, of the context."""
    context = browser.new_context(**{**look.options(), **options})
    try:
        watched.attach(context)
        yield context.new_page()
        for page in context.pages:
            settle(page)
    finally:
        context.close()
