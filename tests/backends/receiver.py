"""An OTLP/HTTP backend for tests: counts what arrives, and refuses, dawdles or goes at command."""

from __future__ import annotations

import gzip
import random
import socket
import ssl
import threading
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.backends.otlp import Sent, spans_of

Post = tuple[str, dict[str, str], bytes]
_POSTS = 500
# The ports that this process was given.
_given: set[int] = set()


def lasting_port() -> int:
    """A free port that nobody is given by chance while its owner is down.

    Below those that the kernel takes for outgoing connections; a client that knocks again and again
    at one of those may even get it for itself. None is given twice.
    """
    while True:
        port = random.randrange(12_000, 32_000)
        if port in _given:
            continue
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


class Receiver:
    """Listens on a port of its own while the block is entered; ``stop`` and ``start`` keep it.

    A request that is answered 200 counts, also when its sender did not wait for a slow answer:
    the sender repeats it, and ``spans`` has it twice, as a real backend would.
    """

    def __init__(self, certfile: Path | None = None, keyfile: Path | None = None) -> None:
        self._tls: ssl.SSLContext | None = None
        if certfile is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certfile, keyfile)
        self._server: _Server | None = None
        self._lock = threading.Lock()
        self._spans: list[Sent] = []
        self._status: tuple[int, float | None] = (200, None)
        self._stall: float | None = None
        self.stopped = threading.Event()
        self.port = lasting_port()
        # The last requests, whatever was answered: path, headers with names in lower case, body.
        self.posts: deque[Post] = deque(maxlen=_POSTS)
        # How many requests were answered with each status, to wait for.
        self.answered: Counter[int] = Counter()

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address: exporters add ``/v1/traces``."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def start(self) -> None:
        """Listen, again on the port of the first time."""
        assert self._server is None, "it listens"
        # Another one each time: who waits for the last one is not woken too late to see it.
        self.stopped = threading.Event()
        self._server = _Server(self, self._tls)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._server is not None:
            self.stopped.set()
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None

    def answer(self, status: int, retry_after: float | None = None) -> None:
        """Answer with this status from now on; what is not answered with 200 does not count."""
        self._status = (status, retry_after)

    def stall(self, seconds: float | None) -> None:
        """Answer so many seconds late from now on."""
        self._stall = seconds

    def spans(self) -> list[Sent]:
        """All that arrived, repeated ones too."""
        with self._lock:
            return list(self._spans)

    def counted(self) -> Counter[str]:
        """How often each span id arrived."""
        return Counter(span["span_id"] for span in self.spans())

    def bodies(self, path: str) -> list[bytes]:
        """The bodies, uncompressed, of all requests to a path."""
        with self._lock:
            posts = list(self.posts)
        assert len(posts) < _POSTS, "some requests were not kept"
        return [_body(headers, body) for at, headers, body in posts if at == path]

    def paths(self) -> set[str]:
        """Where requests went to."""
        with self._lock:
            return {path for path, _, _ in self.posts}

    def take(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, float | None] | None:
        """What to answer to a request; nothing, if it went meanwhile."""
        if self._stall is not None and self.stopped.wait(self._stall):
            return None
        status, retry_after = self._status
        with self._lock:
            self.posts.append((path, headers, body))
            if status == 200 and path == "/v1/traces":
                self._spans += spans_of(_body(headers, body))
            self.answered[status] += 1
        return status, retry_after


def _body(headers: dict[str, str], body: bytes) -> bytes:
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, receiver: Receiver, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", receiver.port), _Handler)
        self.receiver = receiver
        self.stopped = receiver.stopped
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the connection's thread: a handshake must not hold the others up.
        if self._tls is not None:
            request = self._tls.wrap_socket(request, server_side=True)
        with self._guard:
            self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._guard:
                self._open.discard(request)
            if self._tls is not None:
                request.close()

    def cut(self) -> None:
        """End the connections that are kept alive."""
        with self._guard:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: cut connections and refused handshakes are what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One segment for each answer: the other way waits for the sender's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        headers = {name.lower(): text for name, text in self.headers.items()}
        body = self._body(headers)
        # Who goes while the request comes or waits neither counts nor answers it.
        gone = self.server.stopped.is_set()
        told = None if gone else self.server.receiver.take(self.path, headers, body)
        if told is None:
            self.close_connection = True
            return
        status, retry_after = told
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()

    def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return self.rfile.read(int(headers["content-length"]))
        # Go sends streamed bodies in chunks.
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
