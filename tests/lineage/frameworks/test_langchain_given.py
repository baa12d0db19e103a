"""LangChain's runs that are given a handler of somebody else's: there ours gives way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langgraph")

from langchain_core.tools import tool

from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    chat_model,
    create_agent,
    open_things,
    text,
    thinks,
    told_of_use,
)
from tests.servers import Json, ProviderServer
from tests.telemetry import Telemetry


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def once(
    server: ProviderServer, telemetry: Telemetry, handler: Any, flush: Callable[[], Any]
) -> None:
    """A run without the handler, and two that have it."""
    weather = call("get_weather", {"city": "Paris"})
    thinks(server, lambda said: text("Sunny.") if said[-1]["role"] == "tool" else weather)
    agent = create_agent(chat_model(server), [get_weather], name="weather_agent")
    agent.invoke(asks())
    assert len(telemetry.spans()) == 4
    for way in ("invoke", "ainvoke"):
        telemetry.clear()
        running = getattr(agent, way)(asks(), {"callbacks": [handler]})
        if way == "ainvoke":
            asyncio.run(running)
        flush()
        assert len(told_of_use(telemetry)) == 2, draw(telemetry)
        ours = {span.instrumentation_scope.name for span in telemetry.spans()}
        assert not [name for name in ours if name.startswith("otelier")], draw(telemetry)
    assert open_things() == 0


def test_langfuse(server: ProviderServer) -> None:
    langfuse = pytest.importorskip("langfuse")
    callbacks = pytest.importorskip("langfuse.langchain")
    telemetry = Telemetry()
    server.route("/api/public/otel/v1/traces", Json({}))
    client = langfuse.Langfuse(
        public_key="pk",
        secret_key="sk",
        base_url=server.url,
        tracer_provider=telemetry.tracer_provider,
    )
    telemetry.start(provider_hosts=f"{server.url.removeprefix('http://')}=openai")
    once(server, telemetry, callbacks.CallbackHandler(public_key="pk"), lambda: None)
    client.shutdown()


def test_langsmith(server: ProviderServer) -> None:
    langsmith = pytest.importorskip("langsmith")
    pytest.importorskip("langsmith._internal.otel._otel_exporter")
    from langchain_core.tracers.langchain import LangChainTracer

    telemetry = Telemetry()
    client = langsmith.Client(
        api_url=server.url,
        api_key="key",
        tracing_mode="otel",
        otel_tracer_provider=telemetry.tracer_provider,
    )
    telemetry.start(provider_hosts=f"{server.url.removeprefix('http://')}=openai")
    once(server, telemetry, LangChainTracer(client=client), client.flush)


def test_functions_that_langsmith_traces(server: ProviderServer, telemetry: Telemetry) -> None:
    """A run below one of LangSmith's own is the first of LangChain's."""
    langsmith = pytest.importorskip("langsmith")
    from langchain_core.runnables import RunnableLambda

    thinks(server, lambda said: text("Sunny."))
    model = chat_model(server)
    client = langsmith.Client(api_url=server.url, api_key="key", auto_batch_tracing=False)

    @langsmith.traceable(client=client)
    def main() -> Any:
        create_agent(model, [get_weather]).invoke(asks())
        return RunnableLambda(model.invoke).invoke("hi", {"run_name": "qa"})

    with langsmith.tracing_context(enabled=True, client=client):
        main()
    assert draw(telemetry) == tree("""
        invoke_agent
          chat gpt-4o-mini
        invoke_workflow qa
          chat gpt-4o-mini
    """)
