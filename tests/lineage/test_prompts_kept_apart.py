"""Variables of prompts: only on our own spans, and never where content was refused."""

from __future__ import annotations

import contextvars
from typing import Any

import openai

import otelier
from otelier import context as ctx
from otelier import pipeline
from otelier.executed import Executed
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
GREETING: otelier.Prompt = {"name": "greeting", "version": "3", "variables": {"who": "Ann"}}
PUBLIC = {"gen_ai.prompt.name": "greeting", "gen_ai.prompt.version": "3"}
WHOLE = {**PUBLIC, "gen_ai.prompt.variable.who": "Ann"}


def of(telemetry: Telemetry, name: str) -> dict[str, Any]:
    attributes = telemetry.span(name).attributes
    return {key: value for key, value in attributes.items() if key.startswith("gen_ai.prompt")}


def ask(server: ProviderServer) -> None:
    openai.OpenAI(base_url=server.url + "/v1", api_key="k").chat.completions.create(**CHAT)


def test_a_span_of_somebody_else_s_that_is_enriched_has_no_variables(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    theirs = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    with otelier.session(prompt=GREETING):
        with telemetry.tracer.start_as_current_span("chat theirs", attributes=theirs):
            ask(server)
    assert not of(telemetry, "chat theirs").keys() - PUBLIC.keys()


def test_a_step_that_keeps_its_content_out_keeps_the_variables_out(telemetry: Telemetry) -> None:
    with otelier.step("s", prompt=GREETING, capture=False):
        pass
    assert of(telemetry, "s") == PUBLIC


def test_a_library_s_own_span_of_a_tool_has_no_variables(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    theirs = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up"}
    tracer = telemetry.tracer_provider.get_tracer("agent.framework")
    with tracer.start_as_current_span("execute_tool look_up", attributes=theirs):
        with otelier.tool("look_up", prompt=GREETING):
            ask(server)
    assert of(telemetry, "execute_tool look_up") == PUBLIC
    assert of(telemetry, "chat gpt-4o") == WHOLE


def test_a_tool_that_a_runner_executes_has_its_declaration_s_prompt(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    @otelier.tool("look_up", prompt=GREETING)
    def look_up() -> None:
        ask(server)

    handle = pipeline.tool("look_up", call_id="1").start(made=Executed)
    token: Any = handle.enter()
    look_up()
    ctx.detach(token)
    handle.end()
    assert of(telemetry, "execute_tool look_up") == of(telemetry, "chat gpt-4o") == WHOLE


def test_successors_without_end_hold_little(telemetry: Telemetry) -> None:
    def deeper(count: int) -> None:
        with otelier.session(metadata={"count": count}, session_id="s"):
            if count:
                context = contextvars.copy_context()
                todo.append(lambda: context.run(deeper, count - 1))
                return
            with otelier.step("last"):
                pass
            for key, above in ((ctx.SESSION, "outer"), (ctx.PROMPT, "_above")):
                held, length = ctx.current().get(key), 0
                while held is not None:
                    held, length = getattr(held, above, None), length + 1
                lengths.append(length)

    todo: list[Any] = [lambda: deeper(2000)]
    lengths: list[int] = []
    with otelier.session(prompt="p"):
        while todo:
            todo.pop()()
    assert max(lengths) < 50
    assert telemetry.span("last").attributes["session.id"] == "s"
