"""``prompt=``: which prompt, in which version, filled with what, a model call was made with."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("openai")

import openai

import otelier
from otelier import semconv
from tests.installed import openai_responses
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
GREETING: otelier.Prompt = {
    "name": "greeting",
    "version": "3",
    "variables": {"customer": "Ada", "api_key": "hunter2hunter2", "items": [1, {"a": None}]},
}
NAME, VERSION = semconv.PROMPT_NAME, semconv.PROMPT_VERSION
CUSTOMER = "gen_ai.prompt.variable.customer"


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)


def said(telemetry: Telemetry, name: str) -> dict[str, Any]:
    """What the span of that name says of prompts."""
    attributes = telemetry.span(name).attributes or {}
    return {key: value for key, value in attributes.items() if key.startswith("gen_ai.prompt.")}


WHOLE = {
    NAME: "greeting",
    VERSION: "3",
    CUSTOMER: "Ada",
    "gen_ai.prompt.variable.api_key": "[REDACTED]",
    "gen_ai.prompt.variable.items": '[1, {"a": null}]',
}


def test_of_a_session_it_is_on_the_model_calls_inside(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    with otelier.session(prompt=GREETING), otelier.step("around"):
        client.chat.completions.create(**ASK)
    assert said(telemetry, "chat gpt-4o-mini") == WHOLE
    assert said(telemetry, "around") == {}


def test_of_a_step_it_is_on_the_step_too(telemetry: Telemetry, client: openai.OpenAI) -> None:
    @otelier.agent("greeter", prompt=GREETING)
    def greet() -> None:
        look()
        client.chat.completions.create(**ASK)

    @otelier.tool
    def look() -> None:
        pass

    greet()
    assert said(telemetry, "chat gpt-4o-mini") == WHOLE
    assert said(telemetry, "invoke_agent greeter") == WHOLE
    assert said(telemetry, "execute_tool look") == {}


def test_an_inner_one_takes_the_place_of_the_outer_one_whole(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    with otelier.session(prompt=GREETING), otelier.workflow("w", prompt="farewell"):
        client.chat.completions.create(**ASK)
    assert said(telemetry, "chat gpt-4o-mini") == {NAME: "farewell"}


def test_an_inner_session_without_one_leaves_it(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    with otelier.step("s", prompt="greeting"), otelier.session(user_id="u"):
        client.chat.completions.create(**ASK)
    assert said(telemetry, "chat gpt-4o-mini") == {NAME: "greeting"}


@openai_responses
def test_a_request_that_names_its_prompt_keeps_that(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    with otelier.session(prompt=GREETING):
        client.responses.create(prompt={"id": "pmpt_1", "version": "9"})
    assert said(telemetry, "chat") == {NAME: "pmpt_1", VERSION: "9"}


def test_what_a_session_is_told_later_is_of_later_calls(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    with otelier.session(prompt=GREETING) as session:
        stream = client.chat.completions.create(stream=True, **ASK)
        session.update(prompt={"name": "farewell", "variables": {"customer": "Bob"}})
        list(stream)
        client.chat.completions.create(**ASK)
    first, second = (
        {key: span.attributes[key] for key in (NAME, CUSTOMER) if key in span.attributes}
        for span in telemetry.spans()
    )
    assert first == {NAME: "greeting"}
    assert second == {NAME: "farewell", CUSTOMER: "Bob"}


@pytest.mark.parametrize("capture", ["NO_CONTENT", "EVENT_ONLY", "SPAN_AND_EVENT"])
def test_variables_are_content(server: ProviderServer, client: openai.OpenAI, capture: str) -> None:
    telemetry = Telemetry().start(capture=capture, emit_event=True)
    with otelier.agent("a", prompt=GREETING):
        client.chat.completions.create(**ASK)
    telemetry.stop()
    on_spans = capture == "SPAN_AND_EVENT"
    for name in ("invoke_agent a", "chat gpt-4o-mini"):
        assert said(telemetry, name)[NAME] == "greeting"
        assert (CUSTOMER in said(telemetry, name)) == on_spans
    (event,) = (e for e in telemetry.events() if e.event_name == semconv.EVENT_DETAILS)
    assert event.attributes[NAME] == "greeting"
    assert (CUSTOMER in event.attributes) == (capture != "NO_CONTENT")


def test_a_scope_without_content_has_no_variables(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    with otelier.session(prompt=GREETING), otelier.capture("NO_CONTENT"):
        client.chat.completions.create(**ASK)
    assert said(telemetry, "chat gpt-4o-mini") == {NAME: "greeting", VERSION: "3"}


def test_metrics_do_not_have_it(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with otelier.agent("a", prompt=GREETING):
        client.chat.completions.create(**ASK)
    for points in telemetry.metrics().values():
        assert not any(name.startswith("gen_ai.prompt") for p in points for name in p.attributes)


@pytest.mark.parametrize("wrong", [3, {}, {"version": "1"}, {"name": None}, object(), ["a"]])
def test_what_has_no_name_is_left_out(
    telemetry: Telemetry, client: openai.OpenAI, wrong: Any
) -> None:
    with otelier.session(prompt=wrong), otelier.step("s", prompt=wrong):
        client.chat.completions.create(**ASK)
    assert said(telemetry, "chat gpt-4o-mini") == {}
