"""The engine: a real HTTP/1.1 server on a local socket that answers as it is told."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from .replies import (
    HOLD_SECONDS,
    Chunked,
    Drop,
    Gate,
    Hang,
    Headers,
    Json,
    Raw,
    Recorded,
    Reply,
    Sse,
)
from .routes import Defaults

Answer: TypeAlias = Reply | Callable[[Recorded], Reply]


class _ClientGone(Exception):
    """The client closed the connection before the answer was complete."""


class _Stopping(Exception):
    """The server is being stopped while it held a request."""


class ProviderServer:
    """Plays the LLM providers on `127.0.0.1`, and keeps what it was asked.

    An answer is the first of: the next scripted reply, the newest matching `route`, and the
    default of `routes.Defaults`.
    """

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.client_aborts = 0
        self.errors: list[BaseException] = []
        self.defaults = Defaults()
        self.stopping = False
        self.url = ""
        self._script: deque[Answer] = deque()
        self._routes: list[tuple[str, Answer]] = []
        self._changed = threading.Condition()
        self._since = 0
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> ProviderServer:
        """Listen on a free port."""
        self._listener = _Listener(self)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"
        self.stopping = False
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the listener and all connections."""
        listener, thread = self._listener, self._thread
        if listener is None or thread is None:
            return
        self._listener = self._thread = None
        self.stopping = True
        socket.create_connection(("127.0.0.1", listener.server_port)).close()  # wakes the accept
        thread.join()
        listener.server_close()
        listener.end_connections()

    def __enter__(self) -> ProviderServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if self.errors and kind is None:
            raise AssertionError("the local server failed") from self.errors[0]

    def script(self, *replies: Answer) -> None:
        """Queue replies, served in this order before all others, whatever the path."""
        with self._changed:
            self._script.extend(replies)

    def route(self, suffix: str, reply: Answer) -> None:
        """Answer the paths (without their query) that end in `suffix`. The newest wins."""
        with self._changed:
            self._routes.insert(0, (suffix, reply))

    def clear(self) -> None:
        """Forget requests, scripts, routes and counts."""
        with self._changed:
            self.requests.clear()
            self.errors.clear()
            self._script.clear()
            self._routes.clear()
            self.client_aborts = 0
            self._since += 1
            self.defaults = Defaults()

    def wait_requests(self, count: int = 1, timeout: float = 60.0) -> bool:
        """Wait until so many requests have come."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, timeout)

    def wait_aborts(self, count: int = 1, timeout: float = 60.0) -> bool:
        """Wait until so many clients have closed early."""
        with self._changed:
            return self._changed.wait_for(lambda: self.client_aborts >= count, timeout)

    def take(self, request: Recorded) -> Reply:
        """Note a request and choose its reply."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            answer = self._script.popleft() if self._script else self._routed(request.route)
        if answer is None:
            return self.defaults.answer(request)
        return answer(request) if callable(answer) else answer

    def now(self) -> int:
        """How many times all was forgotten."""
        return self._since

    def note_abort(self, since: int) -> None:
        """Count a client that closed early, but not one of a time that was forgotten."""
        with self._changed:
            self.client_aborts += since == self._since
            self._changed.notify_all()

    def _routed(self, path: str) -> Answer | None:
        return next((a for suffix, a in self._routes if path.endswith(suffix)), None)

    def _accept(self, listener: _Listener) -> None:
        while not self.stopping:
            listener.handle_request()


class _Listener(ThreadingHTTPServer):
    """The listening socket and the set of its open connections."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, owner: ProviderServer) -> None:
        self.owner = owner
        self._open: set[Any] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # without the name lookup of HTTPServer
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.owner.stopping

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        if struct.unpack("ii", linger)[0]:  # a reset: no polite end before it
            self.close_request(request)
        else:
            super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def end_connections(self) -> None:
        """Wake the threads that wait on idle connections, and wait for them."""
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, 2.0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # the handler has noted it


class _Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection and writes the replies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def serve(self) -> None:
        """Answer one request."""
        owner = self.server.owner
        since = owner.now()
        try:
            request = Recorded(
                self.command, self.path, list(self.headers.raw_items()), self._read_body()
            )
            self._send(owner.take(request), owner.defaults.headers(request))
        except _Stopping:
            self.close_connection = True
        except (_ClientGone, ConnectionError):
            self.close_connection = True
            if not owner.stopping:
                owner.note_abort(since)
        except Exception as error:
            self.close_connection = True
            owner.errors.append(error)
            raise

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def _read_body(self) -> bytes:
        if (self.headers.get("transfer-encoding") or "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        return b"".join(self._read_chunks())

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass

    def _send(self, reply: Reply, defaults: Headers) -> None:
        if isinstance(reply, Hang):
            self._hold(reply.gate)
            reply = reply.then or Drop()
        if isinstance(reply, Json):
            reply = reply.raw()
        elif isinstance(reply, Sse):
            reply = reply.chunked()
        if isinstance(reply, Raw):
            self._send_raw(reply, defaults)
        elif isinstance(reply, Chunked):
            self._send_chunked(reply, defaults)
        elif isinstance(reply, Drop):
            self._cut(reply.reset)
        else:
            self._send(reply, defaults)  # what stood behind a hang

    def _send_raw(self, reply: Raw, defaults: Headers) -> None:
        own = {"content-type": reply.content_type, "content-length": str(len(reply.body))}
        self._send_head(reply.status, own, defaults, reply.headers)
        self.wfile.write(reply.body)

    def _send_chunked(self, reply: Chunked, defaults: Headers) -> None:
        own = {"content-type": reply.content_type, "transfer-encoding": "chunked"}
        self._send_head(200, own, defaults, reply.headers)
        rest = pending = b""
        for number, part in enumerate([*reply.parts, b""]):
            held = reply.gate is not None and reply.gate.hold_after == number
            drop = reply.drop_after == number
            if held or drop or number == len(reply.parts):
                pending, rest = pending + _chunk(rest), b""
            if held or drop:
                self.wfile.write(pending)
                pending = b""
            if held and reply.gate is not None:
                self._hold(reply.gate)
            if drop:
                return self._cut(reply.reset)
            rest += part
            size = reply.split or len(rest)
            while rest and len(rest) >= size:
                self.wfile.write(pending)
                pending, rest = _chunk(rest[:size]), rest[size:]
        # in one piece, as a client may leave at the last event without waiting for the end
        self.wfile.write(pending + b"0\r\n\r\n")

    def _send_head(self, status: int, *layers: Headers) -> None:
        merged: dict[str, str | None] = {}
        for layer in layers:
            merged.update({name.lower(): value for name, value in layer.items()})
        self.send_response_only(status)
        for name, value in merged.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _hold(self, gate: Gate) -> None:
        gate.reached.set()
        end = time.monotonic() + HOLD_SECONDS
        while not gate.opened.wait(0.005):
            if self._client_gone():
                raise _ClientGone
            if self.server.owner.stopping:
                raise _Stopping
            if time.monotonic() > end:
                return

    def _client_gone(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _cut(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            option = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
