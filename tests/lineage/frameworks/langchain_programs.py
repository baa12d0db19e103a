"""What programs on LangChain and LangGraph have in common: a model, and what it says."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from tests.servers import Json, ProviderServer, Recorded, Sse, openai_wire
from tests.telemetry import Telemetry

Said = dict[str, Any]


def call(name: str, arguments: Any = None, id: str = "call_1") -> Said:
    """An answer that asks for a tool."""
    return calls(openai_wire.tool_call(name, arguments, id=id))


def calls(*wanted: Said) -> Said:
    """An answer that asks for several tools."""
    return openai_wire.chat_message(tool_calls=list(wanted))


def text(words: str) -> Said:
    """An answer in words."""
    return openai_wire.chat_message(words)


def says(server: ProviderServer, *answers: Said, streamed: bool = False) -> None:
    """The model's next answers, one after the other."""
    for answer in answers:
        server.script(reply(answer, streamed))


def reply(answer: Said, streamed: bool = False) -> Json | Sse:
    """One answer as the provider sends it."""
    if streamed:
        return Sse(openai_wire.chat_chunks(answer, include_usage=True))
    return Json(openai_wire.chat_completion(answer))


def thinks(server: ProviderServer, mind: Callable[[list[dict[str, Any]]], Said]) -> None:
    """The model's answers by the messages that it is asked, whoever comes first."""

    def answer(request: Recorded) -> Json | Sse:
        asked = request.json()
        return reply(mind(asked["messages"]), bool(asked.get("stream")))

    server.route("/chat/completions", answer)


def chat_model(server: ProviderServer, **options: Any) -> Any:
    """The model, on the local server."""
    from langchain_openai import ChatOpenAI

    options = {"model": "gpt-4o-mini", "max_retries": 0, "stream_usage": True, **options}
    return ChatOpenAI(api_key="key", base_url=f"{server.url}/v1", **options)


def create_agent(model: Any, tools: Any, **options: Any) -> Any:
    """An agent, made as the installed version makes them."""
    try:
        from langchain.agents import create_agent as make
    except ImportError:  # before LangChain 1.0
        from langgraph.prebuilt import create_react_agent as make

        known = inspect.signature(make).parameters
        if "system_prompt" in options:
            name = "prompt" if "prompt" in known else "state_modifier"
            options[name] = options.pop("system_prompt")
        if "name" in options and "name" not in known:
            named = options.pop("name")
            agent = make(model, tools, **options)
            agent.name = named
            return agent
    return make(model, tools, **options)


def asks(words: str = "How is it in Paris?") -> dict[str, Any]:
    """What the user says."""
    return {"messages": [{"role": "user", "content": words}]}


def open_things() -> int:
    """What is held of runs that are under way."""
    from otelier.frameworks.langchain import models
    from otelier.frameworks.langchain.open_runs import runs

    return len(runs) + len(models._open)


def told_of_use(telemetry: Telemetry) -> list[Any]:
    """The spans that say of a model call what it used."""
    names = ("gen_ai.usage.input_tokens", "llm.token_count.prompt")
    steps = ("invoke_agent", "invoke_workflow")
    return [
        span
        for span in telemetry.spans()
        if any(name in (span.attributes or {}) for name in names)
        and (span.attributes or {}).get("gen_ai.operation.name") not in steps
    ]


def leaving_nothing() -> Iterator[None]:
    """A test after which nothing of ours is open."""
    yield
    gc.collect()
    assert open_things() == 0
