"""A later ``instrument()``: what tightens is in force at once, what loosens is refused and told."""

from __future__ import annotations

import json
import logging
import threading
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")

import openai

import otelier
from otelier import blobs, control, guard, runtime, semconv
from otelier.instrumentor import OtelierInstrumentor
from otelier.setting_table import CAPTURE_ENV, SETTINGS
from otelier.setting_texts import Blobs, Capture
from otelier.settings import Settings
from tests.programs.test_weather import APP, TO_FILE, run
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message
from tests.telemetry import Telemetry

SOURCE = str(Path(otelier.__file__).parents[1])
KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD"
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(autouse=True)
def no_sdk(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sets this process up to export."""
    monkeypatch.setenv("OTELIER_CONFIGURE_SDK", "false")


@pytest.fixture(autouse=True)
def chats(server: ProviderServer) -> None:
    server.route("/chat/completions", answer)


def answer(request: Any) -> Any:
    if request.json().get("stream"):
        return Sse(chat_chunks(chat_message(), include_usage=True))
    return Json(chat_completion(chat_message()))


def client(server: ProviderServer) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "otelier"]


def test_every_setting_is_an_option_with_a_type_and_a_word() -> None:
    options = signature(otelier.instrument).parameters
    doc = otelier.instrument.__doc__ or ""
    for setting in SETTINGS:
        assert setting.field in options, setting.field
        assert f"{setting.env})" in doc, setting.env
    providers = {"tracer_provider", "meter_provider", "logger_provider"}
    assert options.keys() - {setting.field for setting in SETTINGS} == providers
    assert all(each.annotation != "Any" and f" {each.name}: " in doc for each in options.values())
    assert signature(OtelierInstrumentor().instrument).parameters == options


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="captur"):
        otelier.instrument(captur="NO_CONTENT")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="captur"):
        OtelierInstrumentor().instrument(captur="NO_CONTENT")  # type: ignore[call-arg]
    assert runtime.current() is None


def test_a_loader_may_pass_what_nobody_knows(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    given: dict[str, Any] = {"skip_dep_check": True, "raise_exception_on_conflict": True}
    OtelierInstrumentor().instrument(**given, captur="NO_CONTENT", capture="NO_CONTENT")
    assert lines(caplog) == [
        "otelier: instrument() has no option 'captur': it is ignored; did you mean capture?",
        "otelier: already instrumented: capture=NO_CONTENT is in force now",
    ]


@pytest.mark.parametrize(
    ("option", "now", "asked", "met"),
    [
        ("capture", "SPAN_AND_EVENT", "SPAN_ONLY", Capture.SPAN_ONLY),
        ("capture", "SPAN_ONLY", "EVENT_ONLY", Capture.NO_CONTENT),
        ("capture", "NO_CONTENT", "SPAN_ONLY", Capture.NO_CONTENT),
        ("capture", "SPAN_ONLY", "nonsense", Capture.NO_CONTENT),
        ("capture", True, False, Capture.NO_CONTENT),
        ("disabled", ["groq"], "openai", frozenset({"groq", "openai"})),
        ("http", True, False, False),
        ("http", False, True, False),
        ("message_bytes", "64k", 1024, 1024),
        ("message_bytes", "1k", "64k", 1024),
        ("span_bytes", "64k", "32k", 32 * 1024),
        ("tool_definitions", "full", "names", False),
        ("tool_definitions", "names", "full", False),
        ("blobs", "inline", "hash", Blobs.HASH),
        ("blobs", "inline", "upload", Blobs.HASH),
        ("blobs", "hash", "inline", Blobs.HASH),
        ("redact", False, True, True),
        ("redact", True, False, True),
        ("redact", False, "perhaps", True),
        ("redact_keep", ["a", "b"], ["b", "c"], frozenset({"b"})),
        ("baggage", True, False, False),
        ("baggage", False, True, False),
        ("emit_event", True, False, False),
        ("emit_event", False, True, False),
        ("cost", True, False, True),
        ("provider_hosts", {"a": "b"}, {"c": "d"}, {"a": "b"}),
    ],
)
def test_each_setting_meets_what_is_asked(option: str, now: Any, asked: Any, met: Any) -> None:
    control.apply({option: now})
    run = runtime.current()
    assert run is not None
    control.apply({option: asked})
    assert runtime.current() is run
    assert getattr(run.settings, option) == met


def test_each_direction_never_loosens() -> None:
    values: dict[str, tuple[Any, ...]] = {
        "capture": tuple(Capture),
        "blobs": tuple(Blobs),
        "message_bytes": (1024, 4096),
        "span_bytes": (1024, 4096),
        "disabled": (frozenset(), frozenset({"a"}), frozenset({"b"})),
        "redact_keep": (frozenset(), frozenset({"a"}), frozenset({"a", "b"})),
    }
    for setting in SETTINGS:
        direction = setting.stricter
        if direction is None or setting.field in ("mask", "redact_patterns"):
            continue
        found = values.get(setting.field, (True, False))
        for one in found:
            assert direction.meet(one, one) == one
            for other in found:
                met = direction.meet(one, other)
                assert met == direction.meet(other, one)
                assert direction.meet(met, one) == met == direction.meet(met, other)


def test_one_line_says_what_is_in_force(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    otelier.instrument(
        capture="NO_CONTENT",
        redact=False,
        cost_aliases=["operation.cost"],
        tracer_provider=Telemetry().tracer_provider,
        meter_provider=telemetry.meter_provider,
        mask=lambda name, value: value,
    )
    assert lines(caplog) == [
        "otelier: already instrumented: capture=NO_CONTENT, mask are in force now; "
        "refused, since it would loosen what is in force: redact=False; "
        "ignored, since only the first call decides it: tracer_provider, cost_aliases"
    ]


def test_a_stream_that_is_open_keeps_its_prompts(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    stream = client(server).chat.completions.create(**CHAT, stream=True)
    next(stream)
    thread = threading.Thread(target=lambda: otelier.instrument(capture="NO_CONTENT"))
    thread.start()
    thread.join()
    list(stream)
    attributes = telemetry.span("chat").attributes or {}
    assert semconv.USAGE_INPUT in attributes or semconv.RESPONSE_MODEL in attributes
    assert not semconv.CONTENT_ATTRIBUTES & attributes.keys()


def test_an_open_stream_is_masked_and_redacted(server: ProviderServer) -> None:
    telemetry = Telemetry().start(redact=False, mask=lambda name, value: [*value, "first"])
    told = {**CHAT, "messages": [{"role": "user", "content": f"my key is {KEY}"}]}
    stream = client(server).chat.completions.create(**told, stream=True)
    next(stream)
    OtelierInstrumentor().instrument(redact=True, mask=lambda name, value: [*value, "second"])
    list(stream)
    said = (telemetry.span("chat").attributes or {})[semconv.INPUT_MESSAGES]
    assert KEY not in str(said)
    assert json.loads(str(said))[1:] == ["first", "second"]


@pytest.mark.parametrize(
    "asked",
    [
        {"capture": "NO_CONTENT"},
        {"capture": "EVENT_ONLY"},
        {"mask": "no.such:function"},
        {"redact_patterns": "no-such-file"},
    ],
)
def test_what_an_open_step_has_taken_is_taken_off(telemetry: Telemetry, asked: Any) -> None:
    with otelier.workflow("w") as around, otelier.tool("t") as step:
        around.set_input("private")
        step.set_arguments({"a": "private"})
        otelier.instrument(**asked)
        step.set_result("private")
    for span in telemetry.spans():
        assert "private" not in str(span.attributes)
    guard.reset()


def test_patterns_ask_for_redaction(telemetry: Telemetry, tmp_path: Path) -> None:
    telemetry.stop()
    telemetry.start(redact=False)
    file = tmp_path / "patterns"
    for word in ("apples", "pears"):
        file.write_text(word)
        otelier.instrument(redact_patterns=file.rename(tmp_path / word))
    with otelier.tool("t") as step:
        step.set_arguments({"a": "apples, pears and plums"})
    assert "[REDACTED], [REDACTED] and plums" in str(telemetry.span().attributes)


def test_what_is_asked_again_is_not_added_again(telemetry: Telemetry, tmp_path: Path) -> None:
    run = runtime.current()
    assert run is not None
    file = tmp_path / "patterns"
    file.write_text("apples")

    class Masks:
        def mask(self, name: str, value: Any) -> Any:
            return value

    masks = Masks()
    for _ in range(3):
        otelier.instrument(mask=masks.mask, redact_patterns=file)
        otelier.instrument(mask="tests.unit.test_tightening:plain")
    assert len(run.lookers) == 3
    policy = run.policy
    otelier.instrument(mask=plain, redact=True)
    assert run.policy is policy


def test_masks_without_end_leave_content_out(telemetry: Telemetry) -> None:
    run = runtime.current()
    assert run is not None

    def made(number: int) -> Any:
        return lambda name, value: [*value, number]

    for _ in range(300):
        otelier.instrument(mask=lambda name, value: value)
    assert len(run.lookers) == 1 and run.settings.capture.spans
    for number in range(300):
        otelier.instrument(mask=made(number))
    assert len(run.lookers) == 100 and not run.settings.capture.spans


def plain(name: str, value: Any) -> Any:
    return value


def test_a_library_that_is_disabled_is_left_alone_at_once(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    held = client(server)
    hooked = openai._base_client.SyncAPIClient.request  # Somebody holds, or wraps, ours.
    for asked in ("groq", ["openai"]):
        otelier.instrument(disabled=asked)
        held.chat.completions.create(**CHAT)
    assert len(telemetry.spans("chat")) == 1
    assert openai._base_client.SyncAPIClient.request is not hooked
    openai._base_client.SyncAPIClient.request = hooked  # type: ignore[method-assign]
    try:
        held.chat.completions.create(**CHAT)
    finally:
        openai._base_client.SyncAPIClient.request = hooked.__wrapped__  # type: ignore
    assert len(telemetry.spans("chat")) == 1


def test_variables_that_the_program_has_set_since_are_asked(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runtime.current()
    assert run is not None
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "groq")
    monkeypatch.setenv("OTELIER_REDACT", "false")
    otelier.instrument()
    assert run.settings.capture is Capture.NO_CONTENT
    assert run.settings.disabled == {"groq"}
    assert run.settings.redact


def test_options_of_the_first_call_stand_over_variables_that_were_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")
    otelier.instrument(capture="SPAN_ONLY")
    otelier.instrument()
    run = runtime.current()
    assert run is not None and run.settings.capture is Capture.SPAN_ONLY


def test_what_began_before_another_start_is_no_looser_than_that(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    stream = client(server).chat.completions.create(**CHAT, stream=True)
    next(stream)
    otelier.uninstrument()
    telemetry.start(capture="NO_CONTENT")
    list(stream)
    assert not semconv.CONTENT_ATTRIBUTES & (telemetry.span("chat").attributes or {}).keys()


def test_two_threads_that_start_at_once_are_one_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inside, go = threading.Event(), threading.Event()
    runs: list[Any] = []

    def slow(*args: Any, **kwargs: Any) -> Any:
        inside.set()
        go.wait(10)
        runs.append(made := runtime.Runtime(*args, **kwargs))
        return made

    monkeypatch.setattr(control, "Runtime", slow)
    first = threading.Thread(target=otelier.instrument)
    first.start()
    inside.wait(10)
    otelier.instrument(capture="NO_CONTENT")  # Waits for nobody.
    go.set()
    first.join()
    assert len(runs) == 1 and runtime.current() is runs[0]
    assert runs[0].settings.capture is Capture.NO_CONTENT


def test_what_cannot_be_done_leaves_content_out(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = runtime.current()
    assert run is not None
    with monkeypatch.context() as broken:
        broken.setattr(control, "_met", lambda run, asked: 1 / 0)
        otelier.instrument(redact=True)
    assert run.settings.capture is Capture.NO_CONTENT
    assert "capture=NO_CONTENT is in force now" in lines(caplog)[-1]
    guard.reset()


def test_either_face_stops_what_either_has_started() -> None:
    otelier.instrument()
    OtelierInstrumentor().uninstrument()
    assert runtime.current() is None
    OtelierInstrumentor().instrument()
    otelier.uninstrument()
    assert runtime.current() is None
    OtelierInstrumentor().instrument()
    assert runtime.current() is not None


@pytest.mark.parametrize(
    "asks",
    [
        'otelier.instrument(capture="NO_CONTENT")',
        'otelier.OtelierInstrumentor().instrument(capture="NO_CONTENT")',
        f'os.environ["{CAPTURE_ENV}"] = "NO_CONTENT"; otelier.instrument()',
    ],
)
def test_under_opentelemetry_instrument(server: ProviderServer, tmp_path: Path, asks: str) -> None:
    code = f"""
    import os, otelier
    {asks}
    {APP}"""
    done = run(server, tmp_path, code, **TO_FILE, OTELIER_TRACE_FILE="t.jsonl", PYTHONPATH=SOURCE)
    assert done.returncode == 0, done.stderr
    line = "otelier: already instrumented: capture=NO_CONTENT is in force now\n"
    assert done.stderr == line
    written = (tmp_path / "t.jsonl").read_text()
    assert '"chat gpt-4o-mini"' in written
    assert "gen_ai.input.messages" not in written


def test_a_spawned_child_reads_the_environment_itself(
    server: ProviderServer, tmp_path: Path
) -> None:
    """What code has asked is not handed on: a variable is."""
    code = """
    import multiprocessing, otelier
    from otelier import runtime
    def show():
        print(runtime.current().settings.capture.name, flush=True)
    if __name__ == "__main__":
        otelier.instrument(capture="NO_CONTENT")
        child = multiprocessing.get_context("spawn").Process(target=show)
        child.start()
        child.join()
        show()
    """
    done = run(server, tmp_path, code, **TO_FILE, PYTHONPATH=SOURCE)
    assert done.stdout == "SPAN_ONLY\nNO_CONTENT\n", done.stderr
    done = run(server, tmp_path, code, **TO_FILE, PYTHONPATH=SOURCE, **{CAPTURE_ENV: "NO_CONTENT"})
    assert done.stdout == "NO_CONTENT\nNO_CONTENT\n", done.stderr


def test_values_are_given_as_they_are(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError

    with caplog.at_level(logging.WARNING):
        otelier.instrument(
            generation=semconv.LATEST,
            provider_hosts={"a:1": "acme"},
            prices=tmp_path / "prices.json",
            export_bytes=0,
            tool_definitions="names",
            disabled={"groq"},
            baggage=Odd(),  # type: ignore[arg-type]
        )
    run = runtime.current()
    assert run is not None
    assert run.settings == Settings(
        generation=semconv.LATEST,
        provider_hosts={"a:1": "acme"},
        prices=str(tmp_path / "prices.json"),
        export_bytes=0,
        tool_definitions=False,
        disabled=frozenset({"groq"}),
        configure_sdk=False,
    )
    assert [line for line in lines(caplog) if "baggage has a wrong value" in line]


@pytest.mark.parametrize("later", [False, True])
def test_a_misspelt_library_is_told_in_code_too(
    caplog: pytest.LogCaptureFixture, later: bool
) -> None:
    guard._said.clear()
    if later:
        otelier.instrument()
    with caplog.at_level(logging.WARNING, "otelier"):
        otelier.instrument(disabled="opnai")
    told = "disabled has a name that no library has; did you mean openai?"
    assert any(told in line for line in lines(caplog))


def test_an_open_stream_uploads_nothing_that_is_not_allowed_any_more(
    server: ProviderServer, tmp_path: Path
) -> None:
    telemetry = Telemetry().start(blobs="upload", blob_uri=tmp_path.as_uri())
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    ask: dict[str, Any] = {**CHAT, "messages": [{"role": "user", "content": [image]}]}
    stream = client(server).chat.completions.create(stream=True, **ask)
    otelier.instrument(capture="NO_CONTENT")
    list(stream)
    blobs._flush()
    telemetry.stop()
    assert not [*tmp_path.iterdir()]
