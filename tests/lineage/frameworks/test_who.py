"""Who and why, on every span of every framework: run in the environment of each of them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import otelier
from benchmarks.frameworks import answer
from tests.lineage.frameworks import natively, small
from tests.lineage.frameworks.drawing import model_calls
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

# What a small agent needs, where that is not what it is called.
NEEDS = {
    "autogen": ("autogen_agentchat",),
    "claude_agent": ("claude_agent_sdk",),
    "google_adk": ("google.adk",),
    "langchain": ("langchain_openai", "langchain.agents"),
    "llama_index": ("llama_index.llms.openai",),
    "mcp": ("mcp", "openai"),
    "openai_agents": ("agents",),
}
# How many model calls a small agent makes, if not two.
CALLS = {"dspy": 3}
WHO = {
    "session.id": "s-1",
    "user.id": "ada",
    "gen_ai.conversation.id": "c-1",
    "otelier.tags": ("beta", "demo"),
    "otelier.metadata.tenant": "acme",
    "otelier.metadata.task_id": 7,
}
PROMPT = {"gen_ai.prompt.name": "greeting", "gen_ai.prompt.version": "3"}


def installed(name: str) -> bool:
    """Whether this can be imported here."""
    try:
        return find_spec(name) is not None
    except ImportError:
        return False


HERE = [
    each
    for each in sorted(path.stem for path in Path(small.__file__).parent.glob("[a-z]*.py"))
    if all(map(installed, NEEDS.get(each, (each,))))
]


def _session() -> otelier.session:
    return otelier.session(
        session_id="s-1",
        user_id="ada",
        conversation_id="c-1",
        tags=["beta", "demo"],
        metadata={"tenant": "acme", "task_id": 7},
        prompt={"name": "greeting", "version": "3"},  # type: ignore[arg-type]
    )


@pytest.fixture(params=["none", "all"], ids=["steps", "inner steps"])
def telemetry(
    request: pytest.FixtureRequest, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Telemetry]:
    """Also with the inner steps of frameworks, and the messages of their runtimes."""
    monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", request.param)
    answer(server)
    yield from natively.running(server)


def _prepared(name: str, url: str) -> Callable[[], object]:
    run: Callable[[], object] = import_module(f"tests.lineage.frameworks.small.{name}").prepare(url)
    return run


def _lacking(telemetry: Telemetry, wanted: dict[str, Any]) -> dict[str, list[str]]:
    """By the names of spans, what of this they do not say."""
    found = {}
    for span in telemetry.spans():
        said = span.attributes or {}
        lacks = [name for name, value in wanted.items() if said.get(name) != value]
        if lacks:
            found[span.name] = lacks
    return found


@pytest.mark.parametrize("name", HERE)
def test_a_session_is_on_every_span(
    name: str, server: ProviderServer, telemetry: Telemetry
) -> None:
    run = _prepared(name, server.url)
    telemetry.clear()
    with _session():
        run()
    assert {"execute_tool", "tools/call"} & {s.name.split()[0] for s in telemetry.spans()}
    assert _lacking(telemetry, WHO) == {}
    calls = model_calls(telemetry)
    assert len(calls) == CALLS.get(name, 2)
    for span in calls:
        assert PROMPT.items() <= (span.attributes or {}).items()


# --- what frameworks run in threads and tasks of their own --------------------------------------


def adk_in_a_thread(url: str) -> Callable[[], object]:
    """The synchronous runner has a thread and a loop of its own."""
    from google.adk.agents import Agent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        return {"weather": f"sunny in {city}"}

    get_weather.__annotations__ = {"city": str, "return": dict}
    agent = Agent(model="gemini-2.5-flash", name="weather_agent", tools=[get_weather])
    question = types.Content(role="user", parts=[types.Part(text="What is it in Paris?")])
    runner = InMemoryRunner(agent=agent, app_name="app")
    asyncio.run(
        runner.session_service.create_session(app_name="app", user_id="ann", session_id="own")
    )
    return lambda: list(runner.run(user_id="ann", session_id="own", new_message=question))


def crewai_in_threads(url: str) -> Callable[[], object]:
    """A task in a thread, in a crew in a thread."""
    from crewai import LLM, Agent, Crew, Task

    from tests.lineage.frameworks.small.crewai import get_weather

    llm = LLM(model="openai/gpt-4o-mini", base_url=f"{url}/v1", api_key="local")

    def run() -> object:
        teller = Agent(
            role="Teller", goal="Tell", backstory="A tool.", llm=llm, tools=[get_weather]
        )
        task = Task(
            description="What is it?", expected_output="Words", agent=teller, async_execution=True
        )
        crew = Crew(name="weather", agents=[teller], tasks=[task], cache=False)
        return asyncio.run(crew.kickoff_async())

    return run


def claude_connected_before(url: str) -> Callable[[], object]:
    """A client that was connected before anybody asked."""
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    from tests.servers.claude_wire import assistant, init, program, result, results, text, use

    folder = tempfile.TemporaryDirectory()
    played = [
        init(),
        assistant("m1", use("t1", "get_weather", city="Oslo")),
        results(("t1", "Sunny in Oslo")),
        assistant("m2", text("Sunny.")),
        result("Sunny."),
    ]
    path, environment = program(Path(folder.name), played)
    client = ClaudeSDKClient(ClaudeAgentOptions(cli_path=path, env=environment))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.connect())

    async def ask() -> None:
        await client.query("What is it in Oslo?")
        async for _ in client.receive_response():
            pass
        await client.disconnect()

    def run() -> object:
        assert folder.name
        return loop.run_until_complete(ask())

    return run


def agents_streamed(url: str) -> Callable[[], object]:
    """A run in a task, read outside of the session in which it began."""
    import agents

    from tests.lineage.frameworks.small.openai_agents import get_weather

    agents.set_trace_processors([])
    client = agents.AsyncOpenAI(api_key="sk-local", base_url=f"{url}/v1", max_retries=0)
    model = agents.OpenAIChatCompletionsModel("gpt-4o-mini", client)
    agent = agents.Agent(name="weather_agent", model=model, tools=[get_weather])

    async def main() -> None:
        async for _ in agents.Runner.run_streamed(agent, "Weather in Paris?").stream_events():
            pass

    return lambda: asyncio.run(main())


def autogen_team(url: str) -> Callable[[], object]:
    """A team: its agents are asked by messages of a runtime."""
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.conditions import MaxMessageTermination
    from autogen_agentchat.teams import RoundRobinGroupChat
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    async def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "return": str}

    async def ask() -> object:
        client = OpenAIChatCompletionClient(model="gpt-4o", base_url=f"{url}/v1", api_key="k")
        teller = AssistantAgent(
            "teller", model_client=client, tools=[get_weather], reflect_on_tool_use=True
        )
        team = RoundRobinGroupChat([teller], termination_condition=MaxMessageTermination(2))
        return await team.run(task="What is the weather in Paris?")

    return lambda: asyncio.run(ask())


def langchain_in_threads(url: str) -> Callable[[], object]:
    """Several in threads of LangChain's, each with several tools in threads."""
    from langchain.agents import create_agent
    from langchain_core.runnables import RunnableParallel
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    model = ChatOpenAI(model="gpt-4o-mini", api_key="key", base_url=f"{url}/v1", max_retries=0)  # type: ignore[arg-type]
    agent = create_agent(model, [get_weather], name="weather_agent")
    question = {"messages": [{"role": "user", "content": "How is it in Paris?"}]}
    both = RunnableParallel(one=agent, two=agent)
    return lambda: (both.invoke(question), agent.batch([question, question]))


def llama_index_in_tasks(url: str) -> Callable[[], object]:
    """A workflow of several agents, whose steps are tasks."""
    from llama_index.core import set_global_tokenizer
    from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
    from llama_index.llms.openai import OpenAI

    from tests.lineage.frameworks.small.llama_index import add

    set_global_tokenizer(str.split)
    llm = OpenAI(model="gpt-4o", api_key="k", api_base=url + "/v1", max_retries=0)
    agent = FunctionAgent(name="adder", description="Adds.", tools=[add], llm=llm)
    team = AgentWorkflow(agents=[agent], root_agent="adder")

    async def main() -> None:
        running = team.run(user_msg="What is 1 + 2?")
        async for _ in running.stream_events():
            pass
        await running

    return lambda: asyncio.run(main())


def pydantic_streamed(url: str) -> Callable[[], object]:
    """A stream of a run, whose tool is in a thread."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="k")
    agent: Agent[Any, str] = Agent(OpenAIChatModel("gpt-4o-mini", provider=provider), name="teller")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    async def main() -> None:
        async with agent.run_stream("What is the weather in Paris?") as result:
            async for _ in result.stream_text():
                pass

    return lambda: asyncio.run(main())


def agent_framework_workflow(url: str) -> Callable[[], object]:
    """Agents that a workflow runs one after the other."""
    from agent_framework import Agent, WorkflowBuilder, tool
    from agent_framework.openai import OpenAIChatCompletionClient

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "return": str}

    async def ask() -> object:
        client = OpenAIChatCompletionClient(model="gpt-4o", base_url=f"{url}/v1", api_key="k")
        first = Agent(client=client, name="first", tools=[tool(get_weather)])
        second = Agent(client=client, name="second")
        built = WorkflowBuilder(start_executor=first).add_edge(first, second).build()
        return await built.run("What is the weather in Paris?")

    return lambda: asyncio.run(ask())


def strands_swarm(url: str) -> Callable[[], object]:
    """Agents of a swarm, in tasks and threads."""
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel
    from strands.multiagent import Swarm

    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    get_weather.__annotations__ = {"city": str, "return": str}
    model = OpenAIModel(client_args={"base_url": f"{url}/v1", "api_key": "k"}, model_id="gpt-4o")

    def run() -> object:
        teller = Agent(model=model, name="teller", tools=[tool(get_weather)], callback_handler=None)
        return Swarm([teller])("What is the weather in Paris?")

    return run


WAYS = {
    adk_in_a_thread: "google.adk",
    agent_framework_workflow: "agent_framework",
    agents_streamed: "agents",
    autogen_team: "autogen_agentchat",
    claude_connected_before: "claude_agent_sdk",
    crewai_in_threads: "crewai",
    langchain_in_threads: "langchain_openai",
    llama_index_in_tasks: "llama_index.llms.openai",
    pydantic_streamed: "pydantic_ai",
    strands_swarm: "strands",
}


@pytest.mark.parametrize(
    "way", [each for each in WAYS if installed(WAYS[each])], ids=lambda way: way.__name__
)
def test_a_session_is_where_a_framework_has_gone(
    way: Callable[[str], Callable[[], object]],
    server: ProviderServer,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    run = way(server.url)
    telemetry.clear()
    with _session():
        run()
    assert telemetry.spans()
    assert _lacking(telemetry, WHO) == {}


@pytest.mark.skipif(not installed("mcp"), reason="needs mcp")
def test_a_server_in_this_process_that_was_connected_before(telemetry: Telemetry) -> None:
    from tests.lineage.frameworks.mcp_sides import connected, new

    made = new()

    @made.tool()  # type: ignore[untyped-decorator]
    def get_weather(city: str) -> str:
        with otelier.tool("inside"):
            return f"sunny in {city}"

    async def main() -> None:
        async with connected(made) as client:
            await client.list_tools()
            telemetry.clear()
            with _session():
                await client.call_tool("get_weather", {"city": "Oslo"})
            names = [span.name for span in telemetry.spans()]
            assert "tools/call get_weather" in names and "execute_tool inside" in names
            assert _lacking(telemetry, WHO) == {}

    asyncio.run(main())


# Results of the others carry no id of the provider's, or are a text.
WITH_IDS = (
    *("agent_framework", "claude_agent", "google_adk", "langchain", "llama_index"),
    *("openai_agents", "pydantic_ai"),
)


@pytest.mark.parametrize("name", HERE)
def test_a_result_leads_to_its_span(
    name: str, server: ProviderServer, telemetry: Telemetry
) -> None:
    """To the last model call's, which gave the answer."""
    result = _prepared(name, server.url)()
    found = otelier.span_of(result)
    last = max(model_calls(telemetry), key=lambda span: span.start_time or 0)
    assert found is not None or name not in WITH_IDS
    assert found is None or found.get_span_context() == last.context
