"""ClickHouse's engine (chdb) behind as much of its HTTP interface as two clients need: Go, Python.

Run by chdb's Python, so nothing else is imported: ``python clickhouse_server.py FOLDER PORT USER
PASSWORD [CONFIG]``. One query runs at a time. Native answers to the Go client, which wants them of
a newer protocol than the engine writes, are of text and of whole numbers; compression between
client and server is not spoken.
"""

from __future__ import annotations

import base64
import json
import struct
import sys
import threading
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session  # type: ignore[import-not-found]

_NUMBERS = {"UInt8": "<B", "UInt32": "<I", "UInt64": "<Q"}
# Of the protocol's revision at which the Go client reads answers: no overflow, no bucket.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"

# Names in a URL: of values of parameters, and of what is neither that nor a setting.
_PARAMETER = "param_"
_OF_HTTP = frozenset(
    {
        "client_protocol_version",
        "database",
        "default_format",
        "query",
        "query_id",
        "wait_end_of_query",
    }
)


def quoted(text: str, mark: str = "'") -> str:
    """A text, or a name, as SQL has it."""
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"


def varint(number: int) -> bytes:
    """A number as the native format writes lengths."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def text(value: str) -> bytes:
    """A string with its length."""
    raw = value.encode()
    return varint(len(raw)) + raw


def native(answer: dict[str, Any]) -> bytes:
    """A JSONCompact answer as one block of the native format."""
    rows = answer["data"]
    out = [_BLOCK_INFO, varint(len(answer["meta"])), varint(len(rows))]
    for number, column in enumerate(answer["meta"]):
        kind = column["type"]
        # The zero: no custom serialization.
        out += [text(column["name"]), text(kind), b"\0"]
        for row in rows:
            value = row[number]
            out.append(struct.pack(_NUMBERS[kind], int(value)) if kind in _NUMBERS else text(value))
    return b"".join(out)


def fields(form: str, body: bytes) -> dict[str, str]:
    """What the fields of a form say; ``form``: its content type."""
    message = BytesParser().parsebytes(b"Content-Type: %s\r\n\r\n" % form.encode() + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(
            decode=True
        ).decode()
        for part in message.get_payload()
    }


class Engine:
    """The engine on a folder, one query at a time."""

    def __init__(self, folder: Path, config: str | None) -> None:
        self._given = folder / "given.native"
        path = str(folder / "store")
        self._session = Session(f"{path}?config-file={config}" if config else path)
        self._lock = threading.Lock()
        self._database = "default"

    def run(self, query: str, form: str, asked: dict[str, str] | None = None) -> bytes:
        """A query's answer in a format, unless the query names another.

        ``asked``: what the URL says beside it: a database, settings, values of parameters.
        """
        asked = asked or {}
        given = {
            name.removeprefix(_PARAMETER): value
            for name, value in asked.items()
            if name.startswith(_PARAMETER)
        }
        with self._lock:
            self._use(asked.get("database", "default"))
            settings = ", ".join(
                f"{name} = {quoted(value)}"
                for name, value in asked.items()
                if name not in _OF_HTTP and not name.startswith(_PARAMETER)
            )
            if settings:
                query = f"{query}\nSETTINGS {settings}"
            return bytes(self._session.query(query, form, params=given).bytes())

    def _use(self, database: str) -> None:
        # Not everybody may use `default`.
        if database != self._database:
            self._session.query(f"USE {quoted(database, '`')}")
            self._database = database

    def insert(self, query: str, data: bytes) -> None:
        """Run ``INSERT … FORMAT Native`` with the data that follow it."""
        head, form, _ = query.rpartition(" FORMAT Native")
        if not form:
            raise RuntimeError(f"no data are understood behind {query!r}")
        with self._lock:
            self._given.write_bytes(data)
            self._session.query(f"{head} FROM INFILE '{self._given}' FORMAT Native")


class Handler(BaseHTTPRequestHandler):
    """Answers as ClickHouse does on its port 8123."""

    protocol_version = "HTTP/1.1"
    engine: Engine
    account: tuple[str, str]

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        body = b"".join(self._body())
        asked = {
            name: values[-1]
            for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }
        if self._account() != self.account:
            return self._answer(403, b"Code: 516. DB::Exception: Authentication failed")
        try:
            self._answer(200, self._run(asked, body))
        # Whatever the engine refuses is the client's to know.
        except Exception as problem:
            self._answer(500, str(problem).encode())

    def _run(self, asked: dict[str, str], body: bytes) -> bytes:
        # What is inserted follows.
        if "query" in asked:
            self.engine.insert(asked["query"], body)
            return b""
        form = self.headers.get("Content-Type", "")
        if form.startswith("multipart/form-data"):
            # Where parameters are long.
            asked |= fields(form, body)
            body = asked.pop("query").encode()
        query = body.decode()
        if asked.get("default_format") != "Native":
            return self.engine.run(query, asked.get("default_format", "TabSeparated"), asked)
        found = self.engine.run(query, "JSONCompact")
        return native(json.loads(found)) if found else b""

    def _account(self) -> tuple[str, str]:
        given = self.headers.get("Authorization", "Basic Og==").removeprefix("Basic ")
        user, _, password = base64.b64decode(given).decode().partition(":")
        return user, password

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") != "chunked":
            yield self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        print(format % args, flush=True)


def main(folder: str, port: str, user: str, password: str, config: str | None = None) -> None:
    Handler.engine = Engine(Path(folder), config)
    Handler.account = (user, password)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
