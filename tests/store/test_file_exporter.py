from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelier.store.file_exporter import FileSpanExporter, from_environment
from otelier.store.otlp_json import decode

from .spans import everything, provider

SPANS = everything()


def _read(path: Path) -> list[str]:
    return [span.name for line in path.read_bytes().splitlines() for span in decode(line)]


def test_each_batch_is_a_line_that_is_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "traces.jsonl"
    exporter = FileSpanExporter(path)
    assert not path.parent.exists()
    assert exporter.export(SPANS) is SpanExportResult.SUCCESS
    assert exporter.export(SPANS[:1]) is SpanExportResult.SUCCESS
    assert exporter.export(()) is SpanExportResult.SUCCESS
    assert path.read_bytes().count(b"\n") == 2
    assert len(_read(path)) == len(SPANS) + 1
    assert path.stat().st_mode & 0o077 == 0
    exporter.shutdown()
    assert exporter.export(SPANS) is SpanExportResult.FAILURE
    assert path.read_bytes().count(b"\n") == 2


def test_it_appends_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    for _ in range(2):
        exporter = FileSpanExporter(path)
        exporter.export(SPANS[:1])
        exporter.shutdown()
    assert len(_read(path)) == 2


def test_a_relative_path_means_the_directory_it_was_named_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    exporter = FileSpanExporter("traces.jsonl")
    monkeypatch.chdir(tmp_path / "elsewhere")
    exporter.export(SPANS)
    assert (tmp_path / "traces.jsonl").exists()


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTELIER_TRACE_FILE", str(tmp_path / "named.jsonl"))
    assert from_environment().path == tmp_path / "named.jsonl"
    monkeypatch.delenv("OTELIER_TRACE_FILE")
    monkeypatch.chdir(tmp_path)
    assert FileSpanExporter().path == tmp_path / "otelier-traces.jsonl"


@pytest.mark.parametrize("kind", ["a folder", "below a file", "a name with a zero byte"])
def test_an_unwritable_file_gives_one_warning_and_never_raises(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("x")
    path = {
        "a folder": str(tmp_path),
        "below a file": str(tmp_path / "file" / "traces.jsonl"),
        "a name with a zero byte": str(tmp_path / "a\0b"),
    }[kind]
    exporter = FileSpanExporter(path)
    with caplog.at_level(logging.DEBUG):
        results = [exporter.export(SPANS) for _ in range(3)]
    exporter.shutdown()
    assert results == [SpanExportResult.FAILURE] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_gives_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    exporter = FileSpanExporter("/dev/full")
    assert [exporter.export(SPANS), exporter.export(SPANS)] == [SpanExportResult.FAILURE] * 2
    assert len(caplog.records) == 1 and "/dev/full" in caplog.text


def test_a_disk_that_fills_up_within_a_line_keeps_the_lines_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = FileSpanExporter(path)
    exporter.export(SPANS[:1])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, before[1]))
    try:
        assert exporter.export(SPANS) is SpanExportResult.FAILURE
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    first, broken = path.read_bytes().splitlines()
    assert len(list(decode(first))) == 1 and len(broken) == 100
    with pytest.raises(ValueError):
        decode(broken)
    assert len(caplog.records) == 1


def test_a_logging_handler_that_raises_does_not_reach_the_program(tmp_path: Path) -> None:
    class Hostile(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("no logging here")

    handler = Hostile()
    logging.getLogger("otelier").addHandler(handler)
    try:
        assert FileSpanExporter(tmp_path).export(SPANS) is SpanExportResult.FAILURE
    finally:
        logging.getLogger("otelier").removeHandler(handler)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_writes_to_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    exporter = FileSpanExporter(path)
    exporter.export(SPANS)
    child = os.fork()
    if child == 0:
        done = all(exporter.export(SPANS) is SpanExportResult.SUCCESS for _ in range(50))
        os._exit(0 if done else 1)
    for _ in range(50):
        exporter.export(SPANS)
    assert os.waitpid(child, 0)[1] == 0
    assert len(_read(path)) == 101 * len(SPANS)


WRITER = """
import sys
from otelier.store.file_exporter import FileSpanExporter
from tests.store.spans import everything
spans = everything()
exporter = FileSpanExporter(sys.argv[1])
sys.stdin.read()
for _ in range(100):
    exporter.export(spans)
"""


def test_processes_and_threads_append_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, env=environment
        )
        for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()  # both start to write now
    exporter = FileSpanExporter(path)
    threads = [
        threading.Thread(target=lambda: [exporter.export(SPANS) for _ in range(100)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(_read(path)) == 400 * len(SPANS)


def test_it_works_as_an_exporter_of_the_sdk(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    path = tmp_path / "traces.jsonl"
    tracing = provider(InMemorySpanExporter())
    tracing.add_span_processor(BatchSpanProcessor(FileSpanExporter(path)))
    tracing.get_tracer("t").start_span("hello").end()
    tracing.shutdown()
    assert _read(path) == ["hello"]
