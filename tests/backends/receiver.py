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

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Sent = dict[str, Any]


def value(given: AnyValue) -> Any:
    """The Python value of OTLP's."""
    kind = given.WhichOneof("value")
    if kind == "array_value":
        return [value(each) for each in given.array_value.values]
    if kind == "kvlist_value":
        return attributes(given.kvlist_value.values)
    return getattr(given, kind) if kind else None


def attributes(pairs: Any) -> dict[str, Any]:
    """OTLP's attributes as a dict."""
    return {pair.key: value(pair.value) for pair in pairs}


def _span(span: Span, resource: dict[str, Any]) -> Sent:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex(),
        "name": span.name,
        "error": span.status.code == span.status.STATUS_CODE_ERROR,
        "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        "attributes": attributes(span.attributes),
        "resource": resource,
    }


def spans_of(body: bytes) -> list[Sent]:
    """The spans of an export request in protobuf."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _span(span, attributes(resource_spans.resource.attributes))
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def lasting_port() -> int:
    """A free port that nobody is given by chance while its owner is down.

    Below those that the kernel takes for outgoing connections; a client that knocks again and again
    at one of those may even get it for itself.
    """
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
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
        # Of the last requests, with names in lower case.
        self.headers: deque[dict[str, str]] = deque(maxlen=100)
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
        self.stopped.clear()
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

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, float | None]:
        """What to answer to a request."""
        self.headers.append(headers)
        if self._stall is not None:
            self.stopped.wait(self._stall)
        status, retry_after = self._status
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        with self._lock:
            # Metrics and logs are accepted and forgotten.
            if status == 200 and path == "/v1/traces":
                self._spans += spans_of(body)
            self.answered[status] += 1
        return status, retry_after


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, receiver: Receiver, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", receiver.port), _Handler)
        self.receiver = receiver
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
        receiver = self.server.receiver
        if receiver.stopped.is_set():
            # It went while the request came: neither counted nor answered.
            self.close_connection = True
            return
        status, retry_after = receiver.take(self.path, headers, body)
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
