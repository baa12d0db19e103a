from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, Tracer

from otelier.viewer.console import INCOMPLETE, LATE, MAX_SPANS, MAX_TRACES, TreeSpanExporter


def tracing(exporter: TreeSpanExporter) -> Tracer:
    """A real tracer whose spans reach the exporter as they end."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test")


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def exporter(out: io.StringIO) -> TreeSpanExporter:
    return TreeSpanExporter(out, messages=False, color=False)


def test_a_trace_is_printed_when_its_root_ends(
    out: io.StringIO, exporter: TreeSpanExporter
) -> None:
    tracer = tracing(exporter)
    with tracer.start_as_current_span("root"):
        with tracer.start_as_current_span("child"):
            pass
        assert out.getvalue() == ""
    assert out.getvalue().startswith("\ntrace ")
    assert "└─ child" in out.getvalue()
    exporter.shutdown()
    assert out.getvalue().count("child") == 1


def test_a_span_of_a_remote_parent_is_the_root_here(
    out: io.StringIO, exporter: TreeSpanExporter
) -> None:
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    above = trace.set_span_in_context(NonRecordingSpan(remote))
    with tracing(exporter).start_as_current_span("served", context=above):
        pass
    assert "served" in out.getvalue() and "parent in another process" in out.getvalue()


def test_a_span_that_ends_after_its_root_is_printed_with_a_note(
    out: io.StringIO, exporter: TreeSpanExporter
) -> None:
    tracer = tracing(exporter)
    with tracer.start_as_current_span("root"):
        late = tracer.start_span("late")
    assert "late" not in out.getvalue()
    late.end()
    assert LATE in out.getvalue() and out.getvalue().count("root") == 1
    assert out.getvalue().index(LATE) < out.getvalue().index("late ·")


def test_a_batch_with_root_first_is_one_tree(out: io.StringIO, exporter: TreeSpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("root"):
        late = tracer.start_span("late")
    late.end()
    provider.shutdown()
    assert LATE not in out.getvalue() and out.getvalue().count("trace ") == 1


def test_shutdown_prints_what_is_left(out: io.StringIO, exporter: TreeSpanExporter) -> None:
    tracer = tracing(exporter)
    with tracer.start_as_current_span("root"):
        tracer.start_span("child").end()
        exporter.shutdown()
    assert INCOMPLETE in out.getvalue() and "child" in out.getvalue()


def test_it_holds_a_bounded_number_of_traces(out: io.StringIO, exporter: TreeSpanExporter) -> None:
    tracer = tracing(exporter)
    for number in range(MAX_TRACES + 5):
        root = tracer.start_span(f"root-{number}")
        within = trace.set_span_in_context(root, context.Context())
        tracer.start_span(f"child-{number}.", context=within).end()
    assert out.getvalue().count(INCOMPLETE) == 5
    assert "child-4." in out.getvalue() and "child-5." not in out.getvalue()


def test_it_holds_a_bounded_number_of_spans(out: io.StringIO, exporter: TreeSpanExporter) -> None:
    tracer = tracing(exporter)
    with tracer.start_as_current_span("root"):
        for _ in range(MAX_SPANS):
            tracer.start_span("child").end()
        assert out.getvalue() == ""
        tracer.start_span("child").end()
        assert out.getvalue().count("child") == MAX_SPANS + 1
        assert out.getvalue().startswith("\n" + INCOMPLETE)


def test_it_prints_to_stderr_as_it_is_then(capsys: pytest.CaptureFixture[str]) -> None:
    exporter = TreeSpanExporter()
    tracing(exporter).start_span("hello").end()
    printed = capsys.readouterr()
    assert "hello" in printed.err and printed.out == "" and "\x1b" not in printed.err


def test_messages_are_shown_when_the_settings_say_so(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"gen_ai.tool.call.result": "sunny"}
    monkeypatch.setenv("OTELIER_TREE_MESSAGES", "true")
    tracing(TreeSpanExporter(out)).start_span("shown", attributes=content).end()
    assert "result: sunny" in out.getvalue()
    monkeypatch.delenv("OTELIER_TREE_MESSAGES")
    tracing(TreeSpanExporter(out)).start_span("hidden", attributes=content).end()
    assert out.getvalue().count("result: sunny") == 1


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_colour_is_for_terminals_unless_the_user_wants_none(
    no_color: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    leader, follower = os.openpty()
    with open(follower, "w", encoding="utf-8") as terminal, open(leader, "rb") as screen:
        tracing(TreeSpanExporter(terminal)).start_span("hello").end()
        shown = screen.readline() + screen.readline()
    assert (b"\x1b[1m" in shown) is (not no_color)


def test_a_stream_that_is_closed_is_no_error(out: io.StringIO, exporter: TreeSpanExporter) -> None:
    tracer = tracing(exporter)
    out.close()
    tracer.start_span("hello").end()
    exporter.shutdown()


def test_a_program_without_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    exporter = TreeSpanExporter()
    span = tracing(exporter).start_span("hello")
    span.end()
    assert exporter.export([span]) is SpanExportResult.SUCCESS  # type: ignore[list-item]


def test_a_stream_that_knows_few_characters_gets_those() -> None:
    raw = io.BytesIO()
    exporter = TreeSpanExporter(io.TextIOWrapper(raw, encoding="ascii"), messages=False)
    tracer = tracing(exporter)
    with tracer.start_as_current_span("root"):
        tracer.start_span("größer").end()
    assert b"`- gr??er | " in raw.getvalue()


def test_spans_that_end_in_many_threads_are_all_printed(
    out: io.StringIO, exporter: TreeSpanExporter
) -> None:
    tracer = tracing(exporter)

    def work() -> None:
        for _ in range(50):
            with tracer.start_as_current_span("root"), tracer.start_as_current_span("child"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert out.getvalue().count("└─ child") == 400


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_only_its_own_spans(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "child.txt")
    out = io.StringIO()
    exporter = TreeSpanExporter(out, messages=False)
    tracer = tracing(exporter)
    with tracer.start_as_current_span("root"):
        tracer.start_span("parents").end()
        with exporter._lock:  # as if another thread were printing
            child = os.fork()
            if child == 0:
                signal.alarm(20)  # a child that waits for ever fails the test, and does not hold it
                try:
                    tracer.start_span("childs").end()
                    exporter.shutdown()
                    with open(path, "w") as file:
                        file.write(out.getvalue())
                finally:
                    os._exit(0)
        os.waitpid(child, 0)
    with open(path) as file:
        shown = file.read()
    assert "childs" in shown and "parents" not in shown
    assert "parents" in out.getvalue()


def test_what_draws_is_imported_when_something_is_shown_first() -> None:
    program = """
import sys
import otelier
from otelier.viewer.console import TreeSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(TreeSpanExporter()))
otelier.instrument(tracer_provider=provider)
assert "rich" not in sys.modules
tracer = provider.get_tracer("t")
with tracer.start_as_current_span("root"):
    tracer.start_span("child").end()
    assert "rich" not in sys.modules
assert "rich" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0 and "child" in done.stderr, done.stderr
