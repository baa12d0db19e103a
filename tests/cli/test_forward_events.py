"""``otelier forward`` of events: to /v1/logs, or nowhere."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otelier.cli import posting
from otelier.cli.forwarder import Forwarder
from otelier.cli.main import main
from otelier.store import logs_proto, otlp_proto
from otelier.store.forwarding import Outbox
from otelier.store.spans import StoredLog
from otelier.store.writer import Writer
from tests.backends.receiver import Receiver as Backend
from tests.store.made import MOMENT, RESOURCE, SCOPE, span

from .receiver import Answer, Receiver, receiver
from .test_forward import _Hurried

EVENTS = 600


def event(number: int) -> StoredLog:
    """An event of its own."""
    name = f"gen_ai.{number}"
    return StoredLog(MOMENT + number, name=name, body="é", resource=RESOURCE, scope=SCOPE)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    """A store of two spans and six hundred events."""
    writer = Writer(tmp_path / "t.db")
    writer.write([span(0), span(1)], [event(number) for number in range(EVENTS)])
    monkeypatch.setenv("OTELIER_STORE", str(writer.path))
    return writer


def arrived(backend: Receiver) -> Counter[str]:
    """How often each event arrived."""
    bodies = [body for path, _, body in backend.posts if path == "/v1/logs"]
    assert all(len(logs_proto.decode(body)) <= 512 for body in bodies)
    return Counter(log.name for body in bodies for log in logs_proto.decode(body))


def test_each_event_is_sent_once_and_later_what_is_new(
    store: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as backend:
        backend.answer = lambda kind, body: (200, b"")
        to = ["forward", "--once", "--to", backend.url]
        assert main(to) == 0
        assert "forwarded 2 spans and 600 events to" in capsys.readouterr().out
        assert main(to) == 0 and len(backend.posts) == 3
        store.write((), [event(number) for number in range(EVENTS - 5, EVENTS + 5)])
        assert main(to) == 0
        assert arrived(backend) == Counter(f"gen_ai.{number}" for number in range(EVENTS + 5))
        first = next(body for path, _, body in backend.posts if path == "/v1/logs")
        assert logs_proto.decode(first)[0] == event(0)


def test_events_that_are_refused_stay_unless_they_may_be_left_out(
    store: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ExportLogsServiceResponse()
    said.partial_success.rejected_log_records = 3
    with receiver() as backend:

        def answer(kind: str, body: bytes) -> Answer:
            if backend.posts[-1][0] != "/v1/logs":
                return 200, b""
            first = len(arrived(backend)) == 512
            return (403, b"no") if first else (200, said.SerializeToString())

        backend.answer = answer
        to = ["forward", "--once", "--to", backend.url]
        assert main(to) == 1
        printed = capsys.readouterr()
        assert "512 events refused (HTTP 403: no)" in printed.err
        assert "forwarded 2 spans to" in printed.out
        assert main([*to, "--skip-refused"]) == 0
        printed = capsys.readouterr()
        assert "512 events refused" in printed.err and "3 events refused" in printed.err
        assert "forwarded 85 events to" in printed.out


@pytest.mark.parametrize("status", [404, 405, 501])
def test_who_takes_no_logs_gets_the_spans(
    status: int, store: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as backend:

        def answer(kind: str, body: bytes) -> Answer:
            return (status if backend.posts[-1][0] == "/v1/logs" else 200), b""

        backend.answer = answer
        to = ["forward", "--once", "--to", backend.url]
        assert main(to) == 0
        printed = capsys.readouterr()
        assert f"it takes no events (HTTP {status}: ); only spans are sent" in printed.err
        assert "forwarded 2 spans to" in printed.out
        store.write([span(2)])
        assert main(to) == 0
        spans = [body for path, _, body in backend.posts if path == "/v1/traces"]
        assert [len(otlp_proto.decode(body)) for body in spans] == [2, 1]
        # Where it takes them another day, none is missing.
        backend.posts.clear()
        backend.answer = lambda kind, body: (200, b"")
        assert main(to) == 0
        assert arrived(backend) == Counter(f"gen_ai.{number}" for number in range(EVENTS))


def test_a_wait_that_never_ends_is_cut_short(store: Writer) -> None:
    stop = _Hurried()
    with Backend() as backend, closing(Outbox(store.path, "there")) as outbox, closing(stop):
        # More seconds than the system can wait.
        backend.answer(429, retry_after=1e17)

        class Poster(posting.Poster):
            """After its first answer the backend has time."""

            def post(self, kind: str, body: bytes) -> posting.Reply:
                reply = super().post(kind, body)
                backend.answer(200)
                return reply

        posters = {path: posting.Poster(f"{backend.url}{path}", {}) for path in ("/v1/logs",)}
        posters["/v1/traces"] = Poster(f"{backend.url}/v1/traces", {})
        Forwarder(outbox, posters, stop).run(once=True)
    assert stop.waits == [3600]
