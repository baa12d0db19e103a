"""The program's telemetry hears nothing of a test, and is as it was afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import _base_client
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import otelier
from otelier import runtime
from otelier.hooks import registry
from otelier.testing import standing, traces
from tests.servers import Gate, Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry
from tests.testing.asking import ask, client, weather

CHOKE = "request"


def hooked() -> Any:
    return _base_client.SyncAPIClient.__dict__[CHOKE]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    """A TracerProvider with an exporter, set globally."""
    own = Telemetry()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", own.tracer_provider)
    monkeypatch.setattr(trace._TRACER_PROVIDER_SET_ONCE, "_done", True)
    return own


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No global TracerProvider."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace._TRACER_PROVIDER_SET_ONCE, "_done", False)
    yield


@pytest.fixture
def of(server: ProviderServer) -> openai.OpenAI:
    return client(server)


def test_otelier_was_off(nobody: None, of: openai.OpenAI) -> None:
    before = hooked()
    with traces() as seen:
        assert hooked() is not before
        ask(of)
    assert len(seen.calls) == 1
    assert hooked() is before and runtime.current() is None and not registry.states()
    assert trace._TRACER_PROVIDER is None and not trace._TRACER_PROVIDER_SET_ONCE._done


def test_also_when_the_test_raises(nobody: None, of: openai.OpenAI) -> None:
    before = hooked()
    with pytest.raises(ZeroDivisionError), traces():
        1 / 0  # noqa: B018
    assert hooked() is before and runtime.current() is None
    assert trace._TRACER_PROVIDER is None


def test_otelier_was_on(program: Telemetry, of: openai.OpenAI) -> None:
    """With its hooks, its settings and its masks; and nothing of the test is exported."""
    masked: list[str] = []

    def mask(name: str, value: Any) -> Any:
        masked.append(name)
        return value

    program.start(mask=mask, provider_hosts={"127.0.0.1": "groq"})
    run, before, processors = runtime.current(), hooked(), exporting(program)
    with traces() as seen:
        assert hooked() is before
        ask(of)
        trace.get_tracer("app").start_span("its own").end()
    assert seen.calls[0].provider == "groq" and "gen_ai.input.messages" in masked
    assert [span.name for span in seen.spans] == ["chat gpt-4o-mini", "its own"]
    assert not program.spans() and not program.metrics() and not program.events()
    assert runtime.current() is run and hooked() is before
    assert trace.get_tracer_provider() is program.tracer_provider
    assert exporting(program) == processors
    ask(of)
    assert program.span("chat") and len(seen.calls) == 1


def exporting(telemetry: Telemetry) -> Any:
    return telemetry.tracer_provider._active_span_processor._span_processors  # type: ignore[union-attr]


def test_options_of_the_test(program: Telemetry, of: openai.OpenAI) -> None:
    """What the program said otherwise counts again afterwards, also of libraries to hook."""
    program.start(capture=False, disabled=["openai"])
    with traces(capture=True, disabled=[]) as seen:
        ask(of)
    assert seen.calls[0].input_text == "Hi"
    ask(of)
    assert not program.spans()
    assert {state.status for state in registry.states() if state.library.name == "openai"} == {
        "disabled"
    }


def test_what_the_program_asks_in_the_test(
    program: Telemetry, of: openai.OpenAI, server: ProviderServer
) -> None:
    """It counts for the rest of the test, and no longer."""
    program.start()
    with traces() as seen:
        otelier.instrument(capture=False, disabled=["anthropic"])
        ask(of)
    assert seen.calls[0].input == []
    with traces() as seen:
        ask(of)
    assert seen.calls[0].input_text == "Hi"
    assert all(state.status != "disabled" for state in registry.states())


def test_the_program_stops_otelier_in_the_test(program: Telemetry, of: openai.OpenAI) -> None:
    program.start()
    run = runtime.current()
    with traces() as seen:
        otelier.uninstrument()
        ask(of)
    assert not seen.calls and runtime.current() is run
    ask(of)
    assert program.span("chat")


def test_the_program_sets_its_provider_in_the_test(nobody: None, of: openai.OpenAI) -> None:
    own = Telemetry()
    with traces() as seen:
        trace.set_tracer_provider(own.tracer_provider)
        otelier.instrument(tracer_provider=own.tracer_provider)
        with trace.get_tracer("app").start_as_current_span("its own"):
            ask(of)
    assert seen.tree(all=True) == "its own\n  chat gpt-4o-mini"
    assert not own.spans()
    assert trace._TRACER_PROVIDER is None
    trace.set_tracer_provider(own.tracer_provider)
    assert trace.get_tracer_provider() is own.tracer_provider


def test_an_exporter_that_is_added_in_the_test(program: Telemetry, of: openai.OpenAI) -> None:
    """To the global provider, and to the program's own, which keeps it."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    late = InMemorySpanExporter()
    with traces() as seen:
        now: Any = trace.get_tracer_provider()
        now.add_span_processor(SimpleSpanProcessor(late))
        program.tracer_provider.add_span_processor(SimpleSpanProcessor(late))
        program.tracer.start_span("during").end()
        ask(of)
    assert [span.name for span in seen.spans] == ["during", "chat gpt-4o-mini"]
    assert not late.get_finished_spans()
    program.tracer.start_span("after").end()
    assert [span.name for span in late.get_finished_spans()] == ["after"]


def test_tracers_that_libraries_keep(nobody: None) -> None:
    """One that was made early records in each test, and for the program afterwards."""
    kept = trace.get_tracer("library")
    for _ in range(2):
        with traces() as seen:
            with kept.start_as_current_span("theirs"):
                trace.get_tracer("other").start_span("below").end()
            assert seen.tree(all=True) == "theirs\n  below"
    kept.start_span("for nobody").end()
    own = Telemetry()
    trace.set_tracer_provider(own.tracer_provider)
    kept.start_span("for the program").end()
    assert [span.name for span in own.spans()] == ["for the program"]
    assert len(seen.spans) == 2


def test_what_began_before(program: Telemetry, of: openai.OpenAI) -> None:
    """It goes where it went; what the test calls below it is the test's."""
    program.start()
    with program.tracer.start_as_current_span("server"):
        with traces() as seen:
            ask(of)
            inner = program.tracer.start_span("early")
        inner.end()
    with program.tracer.start_as_current_span("older") as older, traces() as second:
        older.end()
    assert seen.tree() == "chat gpt-4o-mini"
    assert not second.spans
    assert sorted(span.name for span in program.spans()) == ["older", "server"]


def test_whatever_is_sampled(
    monkeypatch: pytest.MonkeyPatch, program: Telemetry, of: openai.OpenAI
) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setattr(standing, "_provider", None)
    with trace.get_tracer("app").start_as_current_span("unsampled"), traces() as seen:
        ask(of)
    assert len(seen.calls) == 1


def test_a_thread_that_ends_late(of: openai.OpenAI, server: ProviderServer) -> None:
    """Its call is the first test's; the next one, which runs meanwhile, hears nothing."""
    gate = Gate(hold_after=0)
    server.script(Sse(openai_wire.chat_chunks(), gate=gate), Json(openai_wire.chat_completion()))

    def read() -> None:
        asked: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "late"}]}
        with otelier.step("work"):
            for _ in of.chat.completions.create(stream=True, **asked):
                pass
            # Below what began in the first test.
            weather("Oslo")

    thread = threading.Thread(target=read)
    with traces() as first:
        thread.start()
        assert server.wait_requests(1)
    with traces() as second:
        ask(of)
        gate.open()
        thread.join()
        assert [call.input_text for call in second.calls] == ["Hi"]
        assert not second.tools and second.tree() == "chat gpt-4o-mini"
    assert not first.spans


def test_events_and_metrics_where_the_test_wants_them(of: openai.OpenAI) -> None:
    own = Telemetry()
    with traces(meter_provider=own.meter_provider, logger_provider=own.logger_provider):
        ask(of)
    assert "gen_ai.client.token.usage" in own.metrics()
    with traces():
        ask(of)
    (point, *_) = own.metrics()["gen_ai.client.operation.duration"]
    assert point.count == 1
