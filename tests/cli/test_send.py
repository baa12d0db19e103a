from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from otelier.cli.main import main
from otelier.cli.posting import endpoint
from otelier.store import otlp_proto
from otelier.store.file_exporter import FileSpanExporter
from otelier.store.spans import stored
from tests.store.spans import everything

from .receiver import Receiver, receiver

SPANS = everything()


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A file of two lines with spans."""
    path = tmp_path / "traces.jsonl"
    exporter = FileSpanExporter(path)
    exporter.export(SPANS[:3])
    exporter.export(SPANS[3:])
    return path


@pytest.fixture
def backend() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.mark.parametrize("path", ["", "/", "/v1/traces"])
def test_each_line_arrives_as_it_is(
    path: str, traces: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["send", str(traces), backend.url + path, "--header", "Authorization=Bearer x=y"]) == 0
    )
    assert [post[0] for post in backend.posts] == ["/v1/traces"] * 2
    assert b"".join(post[2] for post in backend.posts) == traces.read_bytes()
    headers = backend.posts[0][1]
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Bearer x=y"
    assert f"sent {len(SPANS)} spans to {backend.url}/v1/traces" in capsys.readouterr().out


def test_broken_lines_are_left_out_and_counted(
    traces: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    with traces.open("ab") as file:
        file.write(b'\n{"resourceSpans":[]}\n{"resourceSpans":[{"scopeSp')
    assert main(["send", str(traces), backend.url]) == 0
    assert len(backend.posts) == 2
    assert "1 line is not OTLP/JSON" in capsys.readouterr().err


def test_a_receiver_that_takes_no_json_gets_protobuf(traces: Path, backend: Receiver) -> None:
    backend.answer = lambda kind, body: (415 if "json" in kind else 200, b"")
    assert main(["send", str(traces), backend.url]) == 0
    kinds = [post[1]["content-type"] for post in backend.posts]
    assert kinds == ["application/json", "application/x-protobuf", "application/x-protobuf"]
    assert backend.posts[1][2] == otlp_proto.encode(map(stored, SPANS[:3]))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b"no \x1b[2Jthanks", "7 spans refused (HTTP 400: no ␛[2Jthanks)"),
        (302, b"", "7 spans refused (HTTP 302: )"),
        (503, b"later", "7 spans refused (HTTP 503: later)"),
    ],
)
def test_refusals_are_a_failure(
    status: int,
    body: bytes,
    said: str,
    traces: Path,
    backend: Receiver,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backend.answer = lambda kind, sent: (status, body)
    assert main(["send", str(traces), backend.url]) == 1
    assert said in capsys.readouterr().err
    assert [post[0] for post in backend.posts] == ["/v1/traces"] * 2


def test_a_partial_success_is_a_failure(
    traces: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    partial = {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}
    backend.answer = lambda kind, body: (200, json.dumps(partial).encode())
    assert main(["send", str(traces), backend.url]) == 1
    printed = capsys.readouterr()
    assert "sent 3 spans" in printed.out and "4 spans refused (too old)" in printed.err


def test_an_empty_partial_success_is_a_success(traces: Path, backend: Receiver) -> None:
    backend.answer = lambda kind, body: (200, b'{"partialSuccess":{}}')
    assert main(["send", str(traces), backend.url]) == 0


def test_nobody_there_is_one_line(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["send", str(traces), f"http://127.0.0.1:{port}"]) == 1
    error = capsys.readouterr().err
    assert "refused" in error.lower() and "Traceback" not in error


def test_what_cannot_be_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", str(tmp_path / "none.jsonl"), "http://127.0.0.1:9"]) == 1
    assert "none.jsonl: No such file or directory" in capsys.readouterr().err
    (tmp_path / "empty.jsonl").touch()
    assert main(["send", str(tmp_path / "empty.jsonl"), "http://127.0.0.1:9"]) == 1
    assert "no spans of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "posted_to"),
    [
        ("localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://host/otlp/", "https://host/otlp/v1/traces"),
        ("http://host:1/v1/traces", "http://host:1/v1/traces"),
        ("http://host/otlp?key=1", "http://host/otlp/v1/traces?key=1"),
        ("http://host/v1/traces?key=1", "http://host/v1/traces?key=1"),
        ("http://[::1", None),
        ("file:///etc/passwd", None),
        ("ftp://host", None),
        ("http://host:port", None),
        ("http://", None),
    ],
)
def test_endpoints(url: str, posted_to: str | None) -> None:
    assert endpoint(url) == posted_to


def test_only_http_is_spoken(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", str(traces), "file:///tmp/x"]) == 2
    assert "not an http or https URL" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["send", "forward"])
@pytest.mark.parametrize(
    "url",
    ["u:secret/x@host", "u:12/secret@host", "u:secret#x@host", "u:12#secret@h", "u:secret?@h"],
)
def test_a_password_that_is_not_written_as_a_url_wants_it(
    verb: str, url: str, traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["send", str(traces)] if verb == "send" else ["forward", "--once", "--to"]
    assert main([*words, f"http://{url}"]) == 2
    said = capsys.readouterr().err
    assert "not an http or https URL" in said and "secret" not in said


@pytest.mark.parametrize(
    "header",
    ["Authorization: Bearer secret", "Authorization: Bearer secret==", "X=secret\nY", "X=secret…"],
)
@pytest.mark.parametrize("verb", ["send", "forward"])
def test_a_header_that_is_none_is_told_and_not_shown(
    verb: str, header: str, traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = (
        [str(traces), "http://127.0.0.1:9"] if verb == "send" else ["--to", "http://127.0.0.1:9"]
    )
    with pytest.raises(SystemExit) as ended:
        main([verb, *where, "--header", header])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "argument --header: " in said and "secret" not in said


def test_a_password_in_the_url_is_sent_and_not_shown(
    traces: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    url = backend.url.replace("http://", "http://me:se%3Acret@") + "/v1/traces?token=hidden"
    assert main(["send", str(traces), url]) == 0
    path, headers, _ = backend.posts[0]
    assert path == "/v1/traces?token=hidden"
    assert headers["authorization"] == "Basic bWU6c2U6Y3JldA=="
    printed = capsys.readouterr()
    assert f"to {backend.url}/v1/traces" in printed.out
    assert main(["send", str(traces), "ftp://me:secret@host/?token=hidden"]) == 2
    printed = printed.out + printed.err + capsys.readouterr().err
    assert "cret" not in printed and "hidden" not in printed
