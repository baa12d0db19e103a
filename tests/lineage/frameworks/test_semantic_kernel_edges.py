"""Semantic Kernel: content, switches, many at once, and what programs get is as without us."""

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wrapt

pytest.importorskip("semantic_kernel")

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import KernelPlugin, kernel_function

import otelier
from otelier import guard, natives
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.lineage.frameworks.global_provider import leading_to
from tests.lineage.frameworks.natively import everything, told
from tests.lineage.frameworks.semantic_kernel_parts import (
    AGENT,
    ALWAYS,
    MODELS,
    Weather,
    answering,
    service,
    switch,
    uses,
    weather,
)
from tests.lineage.frameworks.small import semantic_kernel as small
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

SECRETS = ("Paris", "sunny", "Be brief", "It is", "secret")


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


def again(server: ProviderServer, telemetry: Telemetry, **options: Any) -> None:
    telemetry.stop()
    host = server.url.removeprefix("http://")
    telemetry.start(provider_hosts=f"{host}=openai", **options)


class Fails:
    @kernel_function
    def fail(self, city: str) -> str:
        raise KeyError("broken")


@pytest.mark.parametrize("how", ["setting", "scope"])
def test_no_content(
    server: ProviderServer,
    telemetry: Telemetry,
    diagnostics: str,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither on spans, nor in the events that the framework logs."""

    async def run() -> None:
        names = ("Weather-get_weather", "Fails-fail")
        answering(server, uses(*names))
        agent = weather(server, Weather(), Fails())
        await agent.get_response(messages="Paris?")
        async for _ in agent.invoke_stream(messages="Paris?"):
            pass
        function = agent.kernel.add_function(
            plugin_name="Writer", function_name="poem", prompt="Paris in {{$input}}"
        )
        await agent.kernel.invoke(function, input="secret")

    if how == "setting":
        again(server, telemetry, capture="NO_CONTENT")
    with caplog.at_level(logging.INFO, MODELS):
        if how == "scope":
            with otelier.capture("NO_CONTENT"):
                asyncio.run(run())
        else:
            asyncio.run(run())
    shown = everything(telemetry)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert [each for each in caplog.records if each.name == MODELS] == []
    assert len(telemetry.spans("invoke_agent")) == 2


def test_its_events_stay(
    server: ProviderServer,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    switch("sensitive", monkeypatch)
    answering(server, lambda body: openai_wire.chat_message())
    with caplog.at_level(logging.INFO, MODELS):
        asyncio.run(weather(server).get_response(messages="Paris?"))
    assert any("Paris?" in each.getMessage() for each in caplog.records if each.name == MODELS)


def test_many_at_once(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    async def main() -> None:
        agent = weather(server, Weather())

        async def one(number: int) -> None:
            thread = ChatHistoryAgentThread(thread_id=f"t{number}")
            if number % 2:
                await agent.get_response(messages="Paris?", thread=thread)
            else:
                async for _ in agent.invoke_stream(messages="Paris?", thread=thread):
                    await asyncio.sleep(0)

        await asyncio.gather(*map(one, range(10)))

    answering(server, uses("Weather-get_weather"))
    asyncio.run(main())
    each = [
        tree(f"""
            invoke_agent weather [t{number}]
              chat gpt-4o [t{number}]
              chat gpt-4o [t{number}]
              execute_tool Weather-get_weather [t{number}]
        """)
        for number in range(10)
    ]
    assert draw(telemetry, conversation, ordered=False) == "\n".join(each)


def test_disabled(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own spans are as they are, with ours of the model calls."""
    again(server, telemetry, disabled="semantic_kernel")
    answering(server, uses("Weather-get_weather"))
    asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
    shown = draw(telemetry, leave_out=lambda span: ALWAYS and span.name == "invoke_agent weather")
    assert shown.replace("  Weather-", "  execute_tool Weather-") == tree("""
        AutoFunctionInvocationLoop
          chat gpt-4o
          execute_tool Weather-get_weather
          chat gpt-4o
    """)


def test_off_and_on_again(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, uses("Weather-get_weather"))
    telemetry.stop()
    assert not natives.watched
    asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
    natively_shown = {span.instrumentation_scope.name for span in telemetry.spans()}
    assert "otelier" not in natively_shown
    telemetry.exporter.clear()
    again(server, telemetry)
    asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
    assert draw(telemetry, tokens) == tree(AGENT)


def test_without_a_provider_of_the_frameworks(server: ProviderServer, diagnostics: str) -> None:
    """Where nobody has set a global provider, its spans are none: tools are ours."""
    telemetry = Telemetry()
    host = server.url.removeprefix("http://")
    telemetry.start(provider_hosts=f"{host}=openai")
    answering(server, uses("Weather-get_weather"))
    try:
        asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
        kernel = Kernel()
        kernel.add_service(service(server))
        asyncio.run(kernel.invoke_prompt("Hello?"))
        kernel.add_plugin(Weather(), "Weather")
        history, auto = ChatHistory(), FunctionChoiceBehavior.Auto()
        history.add_user_message("Paris?")
        settings = OpenAIChatPromptExecutionSettings(function_choice_behavior=auto)
        alone = service(server).get_chat_message_contents(history, settings, kernel=kernel)
        asyncio.run(alone)
    finally:
        telemetry.stop()
    assert not guard.failures(), guard.failures()
    assert draw(telemetry, tokens).startswith(tree(AGENT))
    assert draw(telemetry, tokens).splitlines()[4].startswith("invoke_workflow")
    assert draw(telemetry, tokens).endswith(tree(AGENT.replace(" weather", "")))
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert used["gen_ai.tool.call.id"] == "call_0"


def test_where_its_spans_go_elsewhere(server: ProviderServer, diagnostics: str) -> None:
    """Its spans are whole where they go, and ours where ours go."""
    theirs, ours = Telemetry(), Telemetry()
    host = server.url.removeprefix("http://")
    answering(server, uses("Weather-get_weather"))
    with leading_to(theirs):
        ours.start(provider_hosts=f"{host}=openai")
        try:
            asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
        finally:
            ours.stop()
    assert not guard.failures(), guard.failures()
    assert "otelier" not in {span.instrumentation_scope.name for span in theirs.spans()}
    assert sum(span.name.endswith("Weather-get_weather") for span in theirs.spans()) == 1
    assert len(theirs.spans("invoke_agent")) == (ALWAYS or diagnostics != "off")
    lines = draw(ours).splitlines()
    assert lines[0] == "invoke_agent weather"
    assert lines.count("  chat gpt-4o") == 2


@pytest.mark.parametrize("what", ["answer", "error"])
def test_as_without(server: ProviderServer, diagnostics: str, what: str) -> None:
    """What the program gets is the same."""

    async def run() -> list[Any]:
        agent, found = weather(server, Weather()), []
        try:
            whole = await agent.get_response(messages="Paris?")
            found.append((str(whole), type(whole), whole.message.to_dict()))
            for how in ("invoke", "invoke_stream"):
                stream = getattr(agent, how)(messages="Paris?")
                found.append((type(stream), stream.__name__))
                found += [(type(each), str(each.message)) async for each in stream]
            history = ChatHistory()
            history.add_user_message("Paris?")
            settings = agent.kernel.get_prompt_execution_settings_from_service_id("gpt-4o")
            chat = service(server)
            found.append(str(await chat.get_chat_message_content(history, settings)))
            pieces = chat.get_streaming_chat_message_content(history, settings)
            found += [str(each) async for each in pieces]
            kernel = agent.kernel
            found.append(str(await kernel.invoke_prompt("Paris?")))
            found.append(str(await kernel.invoke(None, None, "get_weather", "Weather", city="x")))
            await kernel.invoke(None, None, "get_weather", "Weather")
        except Exception as error:
            found.append((type(error), str(error), type(error.__cause__)))
        return found

    if what == "answer":
        answering(server, uses("Weather-get_weather"))
    else:
        server.route("/chat/completions", lambda request: Json({"error": {}}, status=400))
    bare = asyncio.run(run())
    telemetry = Telemetry()
    with leading_to(telemetry):
        telemetry.start()
        seen = asyncio.run(run())
        telemetry.stop()
    assert seen == bare
    assert len(bare) > 10 if what == "answer" else len(bare) == 1


def test_nothing_is_kept(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    async def main() -> None:
        agent = weather(server, Weather())
        for _ in range(3):
            await agent.get_response(messages="Paris?")
            stream = agent.invoke_stream(messages="Paris?")
            async for _ in stream:
                break
            await stream.aclose()
            # The framework leaves its own generators to the event loop.
            del stream
            for _ in range(9):
                gc.collect()
                await asyncio.sleep(0)

    answering(server, uses("Weather-get_weather"))
    asyncio.run(main())
    from otelier.frameworks.semantic_kernel import messages, orchestrations

    gc.collect()
    assert not messages._sent._held
    assert not orchestrations._results._held


PROGRAM = """
import sys
import types
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
import otelier

otelier.instrument()
from tests.lineage.frameworks.drawing import draw
from tests.lineage.frameworks.small import semantic_kernel as small

small.prepare(sys.argv[1])()
print(draw(exporter.get_finished_spans()))
"""


@pytest.mark.parametrize("switched", [None, "_SENSITIVE"])
def test_a_program(server: ProviderServer, switched: str | None) -> None:
    """The small agent, with the framework's own variables."""
    answering(server, uses("Weather-get_weather"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL", "SEMANTIC"))}
    if switched is not None:
        name = f"SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS{switched}"
        environment[name] = "true"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, server.url],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool Weather-get_weather
          chat gpt-4o
    """)


def test_the_small_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    answering(server, uses("Weather-get_weather"))
    small.prepare(server.url)()
    assert draw(telemetry, tokens) == tree(AGENT)


def test_beside_another_instrumentation(
    server: ProviderServer,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There is none that is known: this is one as they are made."""
    again(server, telemetry)
    other = types.ModuleType("openinference.instrumentation.semantic_kernel")
    exec(
        "async def wrapper(wrapped, instance, args, kwargs):\n"
        "    return await wrapped(*args, **kwargs)",
        vars(other),
    )
    seam = ChatCompletionAgent.__dict__["get_response"]
    wrapped = wrapt.FunctionWrapper(seam, other.wrapper)
    monkeypatch.setattr(ChatCompletionAgent, "get_response", wrapped)
    answering(server, uses("Weather-get_weather"))
    kernel = Kernel(plugins={"Weather": KernelPlugin.from_object("Weather", Weather())})
    asyncio.run(kernel.invoke(None, None, "get_weather", "Weather", city="Oslo"))
    asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
    assert "otelier" not in {
        span.instrumentation_scope.name for span in telemetry.spans("invoke_agent")
    }
    said = [each for each in caplog.records if "instrumented by" in each.getMessage()]
    assert len(said) == 1
