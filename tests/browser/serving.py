"""What a browser looks at: ``otelier ui``, and small sites of a test's own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.watching import OURS
from tests.web.receiving import running


@contextmanager
def serving(store: Path, *options: str) -> Iterator[str]:
    """``otelier ui`` on a store; gives its URL. Ctrl-C ends it, without a word and by code 0."""
    words = ("ui", "--store", str(store), "--no-open", *options)
    with running(store, *words) as found, _ours(urlsplit(found.url).netloc):
        yield found.url
        code, errors = found.end(signal.SIGINT)
        assert (code, errors) == (0, ""), f"{code}: {errors}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a site answers to a path."""

    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "text/html; charset=utf-8"


@contextmanager
def site(answers: Mapping[str, Answer], *, ours: bool = True) -> Iterator[str]:
    """A site that has these paths while the block runs; gives its URL, without a slash at the end.

    ``ours``: whether requests may go there.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, Answer("nothing is here"))
            body = answer.body.encode()
            self.send_response(200 if self.path in answers else 404)
            for name, value in {"Content-Type": answer.kind, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        if ours:
            with _ours(host):
                yield f"http://{host}"
        else:
            yield f"http://{host}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _ours(host: str) -> Iterator[None]:
    OURS.add(host)
    try:
        yield
    finally:
        OURS.discard(host)
