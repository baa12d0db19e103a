"""``otelier forward`` from a real store, to a receiver that is down, slow, full or unwilling."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otelier.cli import posting
from otelier.cli.forwarder import MOST, Forwarder
from otelier.cli.main import main
from otelier.cli.stopping import Stop
from otelier.store import logs_proto
from otelier.store.forwarding import Outbox
from otelier.store.otlp_proto import decode
from otelier.store.spans import StoredLog, StoredSpan
from otelier.store.writer import Writer
from tests.backends.receiver import Receiver as Backend
from tests.store.made import MOMENT, chat, message, span

from .receiver import Receiver, receiver
from .running import few

_WAIT = 30


def _add(store: Path, spans: list[StoredSpan]) -> None:
    writer = Writer(store)
    writer.write(spans)
    writer.close()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of 1,200 spans."""
    path = tmp_path / "t.db"
    _add(path, [span(number) for number in range(1200)])
    monkeypatch.setenv("OTELIER_STORE", str(path))
    return path


@pytest.fixture
def backend() -> Iterator[Receiver]:
    with receiver() as running:
        running.answer = lambda kind, body: (200, b"")
        yield running


def _arrived(backend: Receiver) -> Counter[str]:
    sent = [body for path, _, body in backend.posts if "/v1/traces" in path]
    return Counter(each.span_id for body in sent for each in decode(body))


def _started(store: Path, url: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "otelier.cli", "forward", "--to", url, *words],
        env=few(OTELIER_STORE=str(store)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def _until(process: subprocess.Popen[str], done: Callable[[], bool]) -> None:
    """Wait, as long as the process runs."""
    while not done():
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"it ended with {process.wait(0.02)}")


def test_each_span_is_sent_once_and_later_what_is_new(
    store: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    to = ["forward", "--once", "--to", backend.url, "--header", "X-Key=abc"]
    assert main(to) == 0
    assert f"forwarded 1,200 spans to {backend.url}/v1/traces" in capsys.readouterr().out
    path, headers, _ = backend.posts[0]
    assert (path, headers["x-key"]) == ("/v1/traces", "abc")
    assert headers["content-type"] == "application/x-protobuf"
    assert main(to) == 0
    assert "forwarded 0 spans" in capsys.readouterr().out
    _add(store, [span(number) for number in range(1190, 1210)])
    assert main(to) == 0
    assert _arrived(backend) == Counter(f"{number + 1:016x}" for number in range(1210))
    # Another destination gets all of it; its secrets are not kept.
    with receiver() as other:
        secret = other.url.replace("//", "//me:secret@") + "/base?key=hidden"
        assert main(["forward", "--once", "--to", secret]) == 0
        assert sum(_arrived(other).values()) == 1210
        assert other.posts[0][0] == "/base/v1/traces?key=hidden"
    with sqlite3.connect(store) as connection:
        places = [place for (place,) in connection.execute("SELECT destination FROM forwarded")]
    assert sorted(places) == sorted([f"{backend.url}/v1/traces", f"{other.url}/base/v1/traces"])


def test_a_backend_that_is_down_loses_nothing(store: Path) -> None:
    with Backend() as backend:
        backend.stop()
        process = _started(store, backend.url, "--once")
        assert "it is tried again until it answers" in _line(process)
        backend.answer(503, retry_after=0)
        backend.start()
        _until(process, lambda: backend.answered[503] > 0)
        backend.answer(429, retry_after=0)
        _until(process, lambda: backend.answered[429] > 0)
        backend.answer(200)
        assert "answers again" in _line(process)
        assert process.wait(_WAIT) == 0
        process.communicate()
        assert backend.counted() == Counter(f"{number + 1:016x}" for number in range(1200))


def test_who_waits_for_a_backend_can_be_ended_at_once(store: Path) -> None:
    with Backend() as backend:
        backend.stop()
        for words, code in (((), 0), (("--once",), 1)):
            process = _started(store, backend.url, *words)
            assert "it is tried again until it answers" in _line(process)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=_WAIT)
            assert process.returncode == code and "forwarded 0 spans" in out
            assert ("ended before all was sent" in error) == bool(words)


def test_what_comes_is_sent_and_nothing_twice_after_a_clean_end(
    store: Path, backend: Receiver
) -> None:
    new = threading.Event()

    def answer(kind: str, body: bytes) -> tuple[int, bytes]:
        if any(each.name == "new" for each in decode(body)):
            new.set()
        return 200, b""

    backend.answer = answer
    for round, end in enumerate((signal.SIGTERM, signal.SIGINT)):
        process = _started(store, backend.url)
        _add(store, [span(2000 + round, "new")])
        assert new.wait(_WAIT)
        new.clear()
        process.send_signal(end)
        out, error = process.communicate(timeout=_WAIT)
        assert (process.returncode, error) == (0, "") and "forwarded" in out
    assert set(_arrived(backend).values()) == {1} and len(_arrived(backend)) == 1202


def test_a_store_that_is_replaced_is_sent_as_well(store: Path, backend: Receiver) -> None:
    last = threading.Event()

    def answer(kind: str, body: bytes) -> tuple[int, bytes]:
        if any(each.name == "last" for each in decode(body)):
            last.set()
        return 200, b""

    backend.answer = answer
    process = _started(store, backend.url)
    for first in (3000, 4000):
        _add(store, [span(first + 1, "last")])
        assert last.wait(_WAIT)
        last.clear()
        for file in store.parent.glob(f"{store.name}*"):
            file.unlink()
        _add(store, [span(first + 2)])
    _add(store, [span(5000, "last")])
    assert last.wait(_WAIT)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=_WAIT)[1] == ""
    arrived = _arrived(backend)
    assert set(arrived.values()) == {1} and len(arrived) == 1200 + 5


@pytest.mark.parametrize(
    ("end", "most"), [(signal.SIGTERM, 1), (signal.SIGKILL, 2)], ids=["ended", "killed"]
)
def test_who_is_ended_while_a_portion_is_on_its_way(
    end: signal.Signals, most: int, store: Path, backend: Receiver
) -> None:
    came, go = threading.Event(), threading.Event()

    def answer(kind: str, body: bytes) -> tuple[int, bytes]:
        came.set()
        assert go.wait(_WAIT)
        return 200, b""

    backend.answer = answer
    process = _started(store, backend.url)
    assert came.wait(_WAIT)
    process.send_signal(end)
    if end is signal.SIGKILL:
        process.wait(_WAIT)
    go.set()
    process.communicate(timeout=_WAIT)
    assert process.returncode == (0 if end is signal.SIGTERM else -signal.SIGKILL)
    assert len(backend.posts) == 1
    assert main(["forward", "--once", "--to", backend.url]) == 0
    arrived = _arrived(backend)
    assert len(arrived) == 1200 and max(arrived.values()) == most


def test_what_is_refused_stays_unless_it_may_be_left_out(
    store: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.answer = lambda kind, body: (400, b"no \x1b[2Jthanks")
    to = ["forward", "--once", "--to", backend.url]
    assert main(to) == 1
    assert "512 spans refused (HTTP 400: no ␛[2Jthanks)" in capsys.readouterr().err
    assert len(backend.posts) == 1
    backend.answer = lambda kind, body: (400 if len(backend.posts) == 2 else 200, b"")
    assert main([*to, "--skip-refused"]) == 0
    printed = capsys.readouterr()
    assert "512 spans refused (HTTP 400: )" in printed.err
    assert "forwarded 688 spans" in printed.out
    assert main(to) == 0
    assert "forwarded 0 spans" in capsys.readouterr().out


def test_events_go_where_logs_go(
    store: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Writer(store)
    found = StoredLog(MOMENT, name="gen_ai.evaluation.result", attributes={"a": 1})
    writer.write((), [found, replace(found, time_ns=MOMENT + 1)])
    to = ["forward", "--once", "--to", backend.url]
    assert main(to) == 0
    assert "forwarded 1,200 spans and 2 events to" in capsys.readouterr().out
    writer.write((), [replace(found, name="gen_ai.later")])
    writer.close()
    backend.answer = lambda kind, body: (403, b"no logs here")
    assert main(to) == 1
    assert "1 event refused (HTTP 403: no logs here); --skip-refused" in capsys.readouterr().err
    assert main([*to, "--skip-refused"]) == 0
    assert main(to) == 0
    sent = [logs_proto.decode(body) for path, _, body in backend.posts if path == "/v1/logs"]
    names = ["gen_ai.evaluation.result"] * 2
    assert [[each.name for each in told] for told in sent] == [names, *[["gen_ai.later"]] * 2]


def test_a_partial_success_is_counted(
    store: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ExportTraceServiceResponse()
    said.partial_success.rejected_spans = 2
    said.partial_success.error_message = "too old"
    backend.answer = lambda kind, body: (200, said.SerializeToString())
    assert main(["forward", "--once", "--to", backend.url]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("2 spans refused (too old)") == len(backend.posts) == 3
    assert "forwarded 1,194 spans" in printed.out
    # They are not sent again.
    assert main(["forward", "--once", "--to", backend.url]) == 0


def test_portions_are_as_large_as_receivers_take(
    tmp_path: Path, backend: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "l.db"
    # Two bytes for each character, which is how it is counted before.
    sizes = [*[1 << 19] * 9, 5 << 20, 10, 10]
    _add(store, [span(n, attributes={"x": "é" * size}) for n, size in enumerate(sizes)])
    backend.answer = lambda kind, body: (413 if 1 < len(decode(body)) < 3 else 200, b"")
    assert main(["forward", "--once", "--to", backend.url, "--store", str(store)]) == 0
    sent = [(len(decode(body)), len(body)) for _, _, body in backend.posts]
    assert all(count == 1 or size <= MOST for count, size in sent)
    # The last two were refused together.
    assert sent[-3:] == [(2, sent[-3][1]), (1, sent[-2][1]), (1, sent[-1][1])]


class _Hurried(Stop):
    """Notes how long it is to be waited for, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
        return False


@pytest.mark.parametrize("seconds", ["99999999999", "1e300"])
def test_a_backend_that_wants_to_be_left_alone_for_ever(seconds: str, store: Path) -> None:
    said = iter([posting.Reply(503, b"", float(seconds)), posting.Reply(200)])

    class Poster(posting.Poster):
        def post(self, kind: str, body: bytes) -> posting.Reply:
            return next(said, posting.Reply(200))

    stop = _Hurried()
    outbox = Outbox(store, "http://h")
    Forwarder(outbox, {posting.TRACES: Poster("http://h", {})}, stop).run(once=True)
    outbox.close()
    stop.close()
    assert stop.waits == [3600]


def test_what_is_forgotten_meanwhile_is_not_sent_in_place_of_what_is_new(tmp_path: Path) -> None:
    """The next list of messages has the number of one that is forgotten."""
    store = tmp_path / "o.db"
    asked = [message("user", "of Ada"), message("assistant", "yes")]
    new = [message("user", "of Bob"), message("assistant", "no")]
    writer = Writer(store)
    writer.write([chat(1, asked)])
    outbox = Outbox(store, "http://h")
    ((number, first),) = outbox.spans()
    outbox.arrived("span", number)
    assert "of Ada" in first.attributes["gen_ai.input.messages"]
    assert sum(step.spans for step in writer.prune(2**62, None)) == 1
    writer.write([chat(2, new)])
    ((_, second),) = outbox.spans()
    assert json.loads(second.attributes["gen_ai.input.messages"]) == new[:1]
    outbox.close()
    writer.close()


def test_it_waits_as_it_is_told_and_longer_each_time(store: Path) -> None:
    with Backend() as backend:
        backend.answer(503, retry_after=7)
        outbox = Outbox(store, backend.url)
        url = posting.endpoint(backend.url) or ""
        stop = _Hurried()
        acts = {2: [backend.stop], 12: [backend.start, lambda: backend.answer(200)]}

        class Poster(posting.Poster):
            """Before it asks, the backend goes or comes."""

            def post(self, kind: str, body: bytes) -> posting.Reply:
                for act in acts.pop(len(stop.waits), ()):
                    act()
                return super().post(kind, body)

        Forwarder(outbox, {posting.TRACES: Poster(url, {})}, stop).run(once=True)
        outbox.close()
        stop.close()
    assert stop.waits[:2] == [7, 7]
    # Without a word of the backend's: between half and all of what doubles with each try.
    assert 0.25 <= stop.waits[2] <= 0.5 and all(15 <= each <= 30 for each in stop.waits[9:])
    assert len(stop.waits) == 12
    assert len(backend.counted()) == 1200


def test_no_store_and_no_url(
    tmp_path: Path, backend: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "none.db"
    assert main(["forward", "--to", backend.url, "--store", str(none)]) == 1
    assert "there is no store at" in capsys.readouterr().err and not none.exists()
    assert main(["forward", "--to", "ftp://me:secret@host", "--store", str(none)]) == 2
    said = capsys.readouterr().err
    assert "not an http or https URL: ftp://host" in said and "secret" not in said
