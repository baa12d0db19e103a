"""Bodies and connections that are wrong, too large, or gone: refused, and nothing else suffers."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from otelier.web.bodies import MOST
from tests.store.spans import everything

from .receiving import JSON, PROTOBUF, Running, bringing, receiving

WHOLE = encode_spans(everything()).SerializeToString()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with receiving(tmp_path_factory.mktemp("store") / "traces.db") as running:
        yield running
        # It takes what is right as before, and had nothing to say.
        assert running.post("/v1/traces", bringing("at the end", trace=99)).status == 200
        assert running.spans() == ["at the end"]
        assert running.end() == (0, "")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b'"text"', ""),
        (b"\xff\xfe", ""),
        (WHOLE, ""),
        (b'{"resourceSpans":' + b"[" * 100_000, ""),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ""),
        (b"{}", "gzip"),
        (gzip.compress(b"{}")[:-9], "gzip"),
        (gzip.compress(b'{"a": 1}')[:-4] + b"\0\0\0\1", "gzip"),
        (zlib.compress(json.dumps(bringing("cut")).encode())[:-20], "deflate"),
        (b"\x78\x9c" + b"\xff" * 20, "deflate"),
    ],
    ids=range(13),
)
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_json_that_cannot_be_read(server: Running, path: str, body: bytes, encoding: str) -> None:
    answer = server.post(path, body, {**JSON, "Content-Encoding": encoding})
    assert answer.status == 400, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["code"] == 3 and "body" in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        WHOLE[:-1],
        WHOLE[:100],
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\xff" * 100,
        b"{}",
        # Members of members, more than protobuf follows.
        b"\x0a\x7f" * 64,
    ],
    ids=range(6),
)
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_protobuf_that_cannot_be_read(server: Running, path: str, body: bytes) -> None:
    answer = server.post(path, body, PROTOBUF)
    assert answer.status == 400, answer
    assert answer.headers["content-type"] == "application/x-protobuf"
    status = Status.FromString(answer.body)
    assert status.code == 3 and "body" in status.message


def test_protobuf_that_is_nested_deeper_than_anything_real(server: Running) -> None:
    value = b"\x0a\x01x"
    for _ in range(2000):
        inner = b"\x0a" + _length(value) + value
        value = b"\x2a" + _length(inner) + inner
    pair = b"\x0a\x01a\x12" + _length(value) + value
    resource = b"\x0a" + _length(pair) + pair
    spans = b"\x0a" + _length(resource) + resource
    body = b"\x0a" + _length(spans) + spans
    assert server.post("/v1/traces", body, PROTOBUF).status == 400


def _length(body: bytes) -> bytes:
    number, out = len(body), b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def test_json_whose_members_are_of_other_types_is_taken_for_what_it_says(server: Running) -> None:
    for body in (
        {"resourceSpans": {}},
        {"resourceSpans": [1, "a", None, {"scopeSpans": "x"}]},
        {"resourceSpans": [{"resource": 1, "scopeSpans": [{"scope": [], "spans": [[], 1]}]}]},
        {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": 1}, 2]}]}]},
    ):
        for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
            assert server.post(path, body).json == {}


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_bomb_is_refused(server: Running, packed: object) -> None:
    assert callable(packed)
    bomb = packed(bytes(MOST + 1))
    assert len(bomb) < 1_000_000
    encoding = "gzip" if packed is gzip.compress else "deflate"
    answer = server.post("/v1/traces", bomb, {**JSON, "Content-Encoding": encoding})
    assert answer.status == 413 and "20 MiB" in answer.json["message"]


def test_a_bomb_of_many_members_is_refused(server: Running) -> None:
    member = gzip.compress(bytes(8 << 20))
    headers = {**PROTOBUF, "Content-Encoding": "gzip"}
    assert server.post("/v1/traces", member * 9, headers).status == 413


def test_members_without_end_are_refused(server: Running) -> None:
    headers = {**PROTOBUF, "Content-Encoding": "gzip"}
    answer = server.post("/v1/traces", gzip.compress(b"") * 1_000_000, headers)
    assert answer.status == 400 and b"members" in answer.body


def test_more_than_is_allowed_is_refused_before_it_is_sent(server: Running) -> None:
    head = f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MOST + 1}\r\n"
    with raw(server, f"{head}Content-Type: application/json\r\n\r\n".encode()) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_other_encodings_are_not_understood(server: Running, encoding: str) -> None:
    answer = server.post("/v1/traces", b"{}", {**JSON, "Content-Encoding": encoding})
    assert answer.status == 415 and "gzip" in answer.json["message"]


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_what_a_form_of_a_page_can_send_is_refused(server: Running, kind: str) -> None:
    answer = server.post("/v1/traces", bringing("by a form"), {"Content-Type": kind})
    assert answer.status == 415
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_change_nothing(server: Running, method: str) -> None:
    body = json.dumps(bringing("by another method")).encode()
    answer = server.post("/v1/traces", body, {**JSON, "Origin": "http://evil.example"}, method)
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def raw(server: Running, sent: bytes) -> closing[socket.socket]:
    """A connection on which this has been sent."""
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    connection.sendall(sent)
    return closing(connection)


def test_clients_that_go_away(server: Running) -> None:
    """In the middle of the head, of the body, or before the answer."""
    body = json.dumps(bringing("gone")).encode()
    head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    declared = f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode()
    for sent in (b"", b"POST /v1", head.encode(), declared, declared + body, b"\x16\x03\x01" * 9):
        with raw(server, sent):
            pass
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\n".encode()
    with raw(server, chunked + body[:5]):
        pass
    # All of them have been dealt with when others are answered.
    assert server.post("/v1/traces", b"{}").status == 200


def test_a_body_that_is_longer_than_it_says(server: Running) -> None:
    head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with raw(
        server, head + b'Content-Length: 2\r\n\r\n{}{"resourceSpans":[]}\r\n\r\n'
    ) as connection:
        answers = b""
        while part := connection.recv(4096):
            answers += part
    assert answers.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 400" in answers


def test_a_body_in_chunks(server: Running) -> None:
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with raw(server, head + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n") as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
