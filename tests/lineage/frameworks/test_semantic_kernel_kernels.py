"""Semantic Kernel without agents: prompts, functions, services of the program's own, searches."""

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

pytest.importorskip("semantic_kernel")

from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.completion_usage import CompletionUsage
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatPromptExecutionSettings,
    OpenAITextEmbedding,
)
from semantic_kernel.contents import (
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    StreamingChatMessageContent,
    StreamingTextContent,
)
from semantic_kernel.functions import KernelArguments, kernel_function

import otelier
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import draw, tokens, tree
from tests.lineage.frameworks.natively import told
from tests.lineage.frameworks.semantic_kernel_parts import (
    Weather,
    answering,
    service,
    uses,
    weather,
)
from tests.servers import ProviderServer, openai_wire
from tests.telemetry import Telemetry


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


def kernel(server: ProviderServer) -> Kernel:
    made = Kernel()
    made.add_service(service(server))
    made.add_plugin(Weather(), "Weather")
    return made


def auto() -> OpenAIChatPromptExecutionSettings:
    return OpenAIChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())


def says(text: str = "Hello from the local server.") -> Any:
    return lambda body: openai_wire.chat_message(text)


def test_a_prompt_with_a_name(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    async def main() -> None:
        made = kernel(server)
        function = made.add_function(
            plugin_name="Writer", function_name="summarize", prompt="Summarize {{$input}}."
        )
        await made.invoke(function, input="a long text")

    answering(server, says())
    asyncio.run(main())
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow Writer-summarize 12+9
          chat gpt-4o 12+9
    """)
    ran = told(telemetry, "invoke_workflow")
    assert "Summarize a long text." in ran["gen_ai.input.messages"]
    assert "Hello from the local server." in ran["gen_ai.output.messages"]
    assert ran["gen_ai.workflow.name"] == "Writer-summarize"
    assert not [name for name in ran if name.startswith("gen_ai.tool.")]


def test_a_prompt_that_calls_tools(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    async def main() -> str:
        made = kernel(server)
        return str(await made.invoke_prompt("Paris?", arguments=KernelArguments(settings=auto())))

    answering(server, uses("Weather-get_weather"))
    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow 24+18
          chat gpt-4o 12+9
          execute_tool Weather-get_weather
          chat gpt-4o 12+9
    """)


def test_a_prompt_that_is_streamed(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    """The program's own spans in its loop are the program's."""

    async def main() -> str:
        said = []
        arguments = KernelArguments(settings=auto())
        async for pieces in kernel(server).invoke_prompt_stream("Paris?", arguments=arguments):
            with telemetry.tracer.start_as_current_span("mine"):
                said.append(str(pieces[0]))
        return "".join(said)

    answering(server, uses("Weather-get_weather"))
    assert asyncio.run(main()).endswith("It is sunny.")
    shown = draw(telemetry, tokens, leave_out=lambda span: span.name == "mine")
    assert shown == tree("""
        invoke_workflow 24+18
          chat gpt-4o 12+9
          execute_tool Weather-get_weather
          chat gpt-4o 12+9
    """)
    assert all(span.parent is None for span in telemetry.spans("mine"))


def test_a_stream_of_a_prompt_left_early(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    async def main() -> None:
        stream = kernel(server).invoke_prompt_stream("Paris?")
        async for _ in stream:
            break
        await stream.aclose()

    answering(server, says())
    asyncio.run(main())
    assert draw(telemetry) == "invoke_workflow\n  chat gpt-4o"


def test_prompts_inside(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    """One without a name adds nothing to what is around it."""

    class Writes:
        @kernel_function
        async def write(self, city: str) -> str:
            kernel = agent.kernel
            function = kernel.add_function(
                plugin_name="Writer", function_name="poem", prompt="A poem on {{$city}}."
            )
            await kernel.invoke_prompt("Think.")
            return str(await kernel.invoke(function, city=city))

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if any(
            str(each.get("content")).startswith(("A poem", "Think")) for each in body["messages"]
        ):
            return openai_wire.chat_message("A poem.")
        return uses("Writes-write")(body)

    answering(server, say)
    agent = weather(server, Writes())
    asyncio.run(agent.get_response(messages="Paris?"))
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather 48+36
          chat gpt-4o 12+9
          execute_tool Writes-write
            chat gpt-4o 12+9
            invoke_workflow Writer-poem 12+9
              chat gpt-4o 12+9
          chat gpt-4o 12+9
    """)


def test_a_prompt_as_a_tool(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["content"] == "A poem on Paris.":
            return openai_wire.chat_message("Roses.")
        return uses("Writer-poem")(body)

    answering(server, say)
    agent = weather(server)
    agent.kernel.add_function(
        plugin_name="Writer", function_name="poem", prompt="A poem on {{$city}}."
    )
    asyncio.run(agent.get_response(messages="Paris?"))
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather 36+27
          chat gpt-4o 12+9
          execute_tool Writer-poem
            chat gpt-4o 12+9
          chat gpt-4o 12+9
    """)
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "Roses."}


def test_functions_by_themselves(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    """What the program runs itself is what it would be for a model; templates run some, too."""

    async def main() -> None:
        made = kernel(server)
        await made.invoke(plugin_name="Weather", function_name="get_weather", city="Paris")
        await made.invoke_prompt("It is {{Weather.get_weather city='Rome'}} there.")

    answering(server, says())
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        execute_tool Weather-get_weather
        invoke_workflow
          execute_tool Weather-get_weather
          chat gpt-4o
    """)
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "gen_ai.tool.call.id" not in used


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_a_service_alone(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str
) -> None:
    """Its loop is an agent that nobody has named; without tools there is none."""

    async def main() -> None:
        history, chat, tools = ChatHistory(), service(server), {"kernel": kernel(server)}
        history.add_user_message("Paris?")
        settings = auto()
        if how == "whole":
            await chat.get_chat_message_content(history, settings, **tools)
            await chat.get_chat_message_content(history, OpenAIChatPromptExecutionSettings())
            return
        async for _ in chat.get_streaming_chat_message_content(history, settings, **tools):
            with telemetry.tracer.start_as_current_span("mine"):
                pass
        last = OpenAIChatPromptExecutionSettings()
        async for _ in chat.get_streaming_chat_message_content(history, last):
            with telemetry.tracer.start_as_current_span("mine"):
                pass

    answering(server, uses("Weather-get_weather"))
    asyncio.run(main())
    assert draw(telemetry, tokens, leave_out=lambda span: span.name == "mine") == tree("""
        invoke_agent 24+18
          chat gpt-4o 12+9
          execute_tool Weather-get_weather
          chat gpt-4o 12+9
        chat gpt-4o 12+9
    """)
    assert all(span.parent is None for span in telemetry.spans("mine"))
    ran = told(telemetry, "invoke_agent")
    assert "Paris?" in ran["gen_ai.input.messages"]
    assert "It is sunny." in ran["gen_ai.output.messages"]


def test_a_service_in_a_workflow_of_the_programs(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    @otelier.workflow("mine")
    async def main() -> None:
        history = ChatHistory()
        history.add_user_message("Paris?")
        await service(server).get_chat_message_content(history, auto(), kernel=kernel(server))

    answering(server, uses("Weather-get_weather"))
    asyncio.run(main())
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow mine 24+18
          chat gpt-4o 12+9
          execute_tool Weather-get_weather
          chat gpt-4o 12+9
    """)


class Parrot(ChatCompletionClientBase):
    """A model of the program's own."""

    SUPPORTS_FUNCTION_CALLING = True

    async def _inner_get_chat_message_contents(self, chat_history: Any, settings: Any) -> Any:
        usage = {"id": "p1", "usage": CompletionUsage(prompt_tokens=3, completion_tokens=4)}
        role, called = "assistant", chat_history.messages[-1].role == "tool"
        if settings.function_choice_behavior is None or called:
            return [ChatMessageContent(role=role, content="Squawk.", metadata=usage)]
        call = FunctionCallContent(id="c", name="Weather-get_weather", arguments='{"city": "Oslo"}')
        return [ChatMessageContent(role=role, items=[call], metadata=usage)]

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: Any, settings: Any, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        for text in ("Squ", "awk."):
            item = StreamingTextContent(choice_index=0, text=text)
            yield [StreamingChatMessageContent(role="assistant", choice_index=0, items=[item])]


@pytest.mark.parametrize("how", ["get_response", "invoke", "invoke_stream"])
def test_a_model_of_the_programs_own(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str
) -> None:
    async def main() -> str:
        agent = weather(server, Weather(), model=Parrot(ai_model_id="parrot"))
        if how == "get_response":
            return str(await agent.get_response(messages="Oslo?"))
        items = [item async for item in getattr(agent, how)(messages="Oslo?")]
        return "".join(str(item.message) for item in items)

    assert asyncio.run(main()) == "Squawk."
    whole = """
        invoke_agent weather 6+8
          chat parrot 3+4
          execute_tool Weather-get_weather
          chat parrot 3+4
    """
    pieces = """
        invoke_agent weather
          chat parrot
    """
    assert draw(telemetry, tokens) == tree(pieces if how == "invoke_stream" else whole)
    last = dict(telemetry.spans("chat")[-1].attributes or {})
    assert "Oslo?" in last["gen_ai.input.messages"]
    assert "Squawk." in last["gen_ai.output.messages"]
    assert "gen_ai.provider.name" not in last or not last["gen_ai.provider.name"]


def test_a_search(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    vector = pytest.importorskip("semantic_kernel.data.vector")
    if not hasattr(vector, "VectorSearch"):
        pytest.skip("an older shape")
    from semantic_kernel.connectors.in_memory import InMemoryCollection

    @vector.vectorstoremodel
    @dataclass
    class Note:
        id: Annotated[str, vector.VectorStoreField("key")]
        text: Annotated[str, vector.VectorStoreField("data")]
        page: Annotated[int, vector.VectorStoreField("data")]
        embedding: Annotated[
            list[float] | str | None, vector.VectorStoreField("vector", dimensions=8)
        ] = None

        def __post_init__(self) -> None:
            if self.embedding is None:
                self.embedding = self.text

    client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
    embeds = OpenAITextEmbedding(ai_model_id="text-embedding-3-small", async_client=client)

    async def main() -> str:
        notes = InMemoryCollection(Note, collection_name="notes", embedding_generator=embeds)
        async with notes:
            await notes.ensure_collection_exists()
            await notes.upsert([Note("n1", "Oslo is in Norway.", 1), Note("n2", "Rome.", 2)])
            telemetry.exporter.clear()
            agent = weather(server)
            function = notes.create_search_function(
                function_name="find", string_mapper=lambda found: found.record.text
            )
            agent.kernel.add_function(plugin_name="Notes", function=function)
            return str(await agent.get_response(messages="Where is Oslo?"))

    answering(server, uses("Notes-find", query="Oslo"))
    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool Notes-find
            retrieval notes
              embeddings text-embedding-3-small
          chat gpt-4o
    """)
    found = told(telemetry, "retrieval")
    assert found["gen_ai.retrieval.query.text"] == "Oslo"
    documents = json.loads(found["gen_ai.retrieval.documents"])
    assert {each["id"] for each in documents} == {"n1", "n2"}
    first = next(each for each in documents if each["id"] == "n1")
    assert first["content"] == "Oslo is in Norway."
    assert isinstance(first["score"], float)


def test_a_memory(server: ProviderServer, telemetry: Telemetry) -> None:
    memories = pytest.importorskip("semantic_kernel.memory")
    client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
    embeds = OpenAITextEmbedding(ai_model_id="text-embedding-3-small", async_client=client)

    async def main() -> Any:
        memory = memories.SemanticTextMemory(memories.VolatileMemoryStore(), embeds)
        await memory.save_information("notes", id="n1", text="Oslo is in Norway.")
        telemetry.exporter.clear()
        return await memory.search("notes", "Oslo", limit=2)

    (found,) = asyncio.run(main())
    assert found.text == "Oslo is in Norway."
    assert draw(telemetry) == "retrieval notes\n  embeddings text-embedding-3-small"
    told_of = told(telemetry, "retrieval")
    assert told_of["gen_ai.retrieval.query.text"] == "Oslo"
    (document,) = json.loads(told_of["gen_ai.retrieval.documents"])
    assert (document["id"], document["content"]) == ("n1", "Oslo is in Norway.")
    assert document["score"] == pytest.approx(found.relevance)


@pytest.mark.parametrize("how", ["closed", "dropped", "never"])
def test_a_search_that_is_left(server: ProviderServer, telemetry: Telemetry, how: str) -> None:
    vector = pytest.importorskip("semantic_kernel.data.vector")
    if not hasattr(vector, "VectorSearch"):
        pytest.skip("an older shape")
    from semantic_kernel.connectors.in_memory import InMemoryCollection

    fields = [
        vector.VectorStoreField("key", name="id"),
        vector.VectorStoreField("data", name="text"),
        vector.VectorStoreField("vector", name="embedding", dimensions=2),
    ]
    definition = vector.VectorStoreCollectionDefinition(fields=fields)

    async def main() -> None:
        notes = InMemoryCollection(dict, definition=definition, collection_name="notes")
        await notes.ensure_collection_exists()
        records = [{"id": f"n{at}", "text": "Oslo", "embedding": [1.0, at]} for at in range(3)]
        await notes.upsert(records)
        found = await notes.search(vector=[1.0, 0.0])
        if how != "never":
            async for _ in found.results:
                break
        if how == "closed":
            await found.results.aclose()
        del found
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    assert draw(telemetry) == "retrieval notes"
    documents = json.loads(told(telemetry, "retrieval").get("gen_ai.retrieval.documents", "[]"))
    assert [each["id"] for each in documents] == ([] if how == "never" else ["n0"])


class Router(ChatCompletionClientBase):
    """A service of the program's own that asks another one."""

    behind: Any

    async def _inner_get_chat_message_contents(self, chat_history: Any, settings: Any) -> Any:
        settings.function_choice_behavior = None
        return await self.behind.get_chat_message_contents(chat_history, settings)

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: Any, settings: Any, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        settings.function_choice_behavior = None
        ask = self.behind.get_streaming_chat_message_contents
        async for pieces in ask(chat_history, settings):
            yield pieces


@pytest.mark.parametrize("how", ["get_response", "invoke_stream"])
@pytest.mark.parametrize("behind", ["parrot", "gpt-4o"])
def test_a_service_that_asks_another(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, behind: str, how: str
) -> None:
    answering(server, lambda body: openai_wire.chat_message())

    async def main() -> None:
        inner = Parrot(ai_model_id="parrot") if behind == "parrot" else service(server)
        agent = weather(server, model=Router(ai_model_id="router", behind=inner))
        if how == "get_response":
            await agent.get_response(messages="Speak")
        else:
            async for _ in agent.invoke_stream(messages="Speak"):
                pass

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent weather
          chat {behind}
    """)


def test_who_reads_a_stream_asks_another_model(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    """The call in the reader's loop is the reader's, and not the one that the stream is of."""
    answering(server, lambda body: openai_wire.chat_message())

    async def main() -> None:
        client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
        asked: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Translate"}]}
        agent = weather(server, model=Parrot(ai_model_id="parrot"))
        async for _ in agent.invoke_stream(messages="Speak"):
            await client.chat.completions.create(**asked)

    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat parrot
        chat gpt-4o
        chat gpt-4o
    """)
