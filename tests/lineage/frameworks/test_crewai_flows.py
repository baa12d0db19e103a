"""CrewAI: flows, searches in memory and knowledge, and models of the program's own classes."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lineage.frameworks.crewai_offline import CREWAI

pytest.importorskip(CREWAI)

from crewai import BaseLLM, Crew
from crewai.flow.flow import Flow, listen, start

import otelier
from tests.lineage.frameworks import crewai_parts as parts
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

MODEL = parts.MODEL
NEW = pytest.mark.skipif(not parts.NATIVE, reason="since CrewAI 1.10")


def weather_flow(server: ProviderServer) -> Flow[Any]:
    """A flow of a model call, and a crew after it."""

    class WeatherFlow(Flow):  # type: ignore[type-arg]
        @start()
        def city(self) -> str:
            return str(parts.llm(server).call("Which city?"))

        @listen(city)
        def tell(self, city: str) -> Any:
            return parts.crew(server).kickoff()

    return WeatherFlow()


FLOW = f"""
    invoke_workflow WeatherFlow
      chat {MODEL}
      invoke_workflow weather
        invoke_agent Weather teller
          chat {MODEL}
          execute_tool get_weather
          chat {MODEL}
"""


def test_a_flow(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    server.script(parts.says("Oslo"))
    assert weather_flow(server).kickoff(inputs={"question": "How is it?"}).raw == "Sunny."
    assert draw(telemetry) == tree(FLOW)
    told = dict(telemetry.spans("invoke_workflow")[-1].attributes or {})
    assert "How is it?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]
    assert told["gen_ai.usage.input_tokens"] == 36


def test_a_flow_asynchronously(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    server.script(parts.says("Oslo"))

    async def main() -> Any:
        with telemetry.tracer.start_as_current_span("request"):
            return await weather_flow(server).kickoff_async()

    assert asyncio.run(main()).raw == "Sunny."
    inside = "\n".join("  " + line for line in tree(FLOW).splitlines())
    assert draw(telemetry) == f"request\n{inside}"


@NEW
def test_a_flow_that_is_streamed(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    server.script(parts.says("Oslo"))
    flow = weather_flow(server)
    flow.stream = True
    for _ in flow.kickoff():
        pass
    assert draw(telemetry) == tree(FLOW)


def test_a_flow_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    class Failing(Flow):  # type: ignore[type-arg]
        @start()
        def fail(self) -> None:
            raise LookupError("never")

    with pytest.raises(LookupError):
        Failing().kickoff()
    assert draw(telemetry) == "invoke_workflow Failing !LookupError"


def test_inner_steps(server: ProviderServer) -> None:
    parts.weather(server)
    server.script(parts.says("Oslo"))
    telemetry = Telemetry().start(framework_steps=True)
    weather_flow(server).kickoff()
    telemetry.stop()
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow WeatherFlow
          city
            chat {MODEL}
          tell
            invoke_workflow weather
              task
                invoke_agent Weather teller
                  chat {MODEL}
                  execute_tool get_weather
                  chat {MODEL}
        """
    )


def test_the_id_of_a_flow_is_its_conversation(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)
    server.script(parts.says("Oslo"))
    weather_flow(server).kickoff(inputs={"id": "thread-7"})
    assert set(map(conversation, telemetry.spans())) == {
        f"{span.name} [thread-7]" for span in telemetry.spans()
    }


def test_ten_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    parts.weather(server)

    class Ask(Flow):  # type: ignore[type-arg]
        @start()
        async def ask(self) -> Any:
            return await parts.agent(server).kickoff_async("What is it in Oslo?")

    async def main() -> None:
        await asyncio.gather(*(Ask().kickoff_async(inputs={"id": f"user {n}"}) for n in range(10)))

    asyncio.run(main())
    assert draw(telemetry, conversation, ordered=False) == "\n".join(
        tree(
            f"""
            invoke_workflow Ask [user {number}]
              invoke_agent Weather teller [user {number}]
                chat {MODEL} [user {number}]
                chat {MODEL} [user {number}]
                execute_tool get_weather [user {number}]
            """
        )
        for number in range(10)
    )


WAITING = """
import sys
from tests.lineage.frameworks.crewai_offline import CREWAI
from crewai.flow import Flow, start, listen, human_feedback
from crewai.flow.async_feedback import HumanFeedbackPending
from crewai.flow.persistence.sqlite import SQLiteFlowPersistence
from tests.lineage.frameworks import crewai_parts as parts
from tests.lineage.frameworks.drawing import conversation, draw
from tests.telemetry import Telemetry

class Server:
    url = sys.argv[1]

class Asks:
    def request_feedback(self, context, flow):
        raise HumanFeedbackPending(context=context)

class Review(Flow):
    @start()
    @human_feedback(message="Good?", provider=Asks())
    def write(self):
        return parts.llm(Server).call("Write")

    @listen(write)
    def publish(self, result):
        return parts.llm(Server).call("Publish")

kept = SQLiteFlowPersistence(sys.argv[2])
telemetry = Telemetry().start()
if len(sys.argv) > 3:
    Review.from_pending(sys.argv[3], kept).resume("fine")
else:
    print(Review(persistence=kept).kickoff().context.flow_id)
print(draw(telemetry, conversation))
"""


@NEW
def test_a_flow_waits_and_goes_on_in_another_process(
    server: ProviderServer, tmp_path: Path
) -> None:
    def run(*more: str) -> list[str]:
        command = [sys.executable, "-c", WAITING, server.url, str(tmp_path / "kept.db"), *more]
        # Before 1.15, CrewAI makes a model of its own to go on with, and asks it nothing.
        keyed = {**os.environ, "OPENAI_API_KEY": "local"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=keyed)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if line[:1] not in ("╭", "│", "╰", "")]

    server.script(parts.says(), parts.says())
    before = run()
    kept = next(line for line in before if line.count("-") == 4 and " " not in line)
    expected = [f"invoke_workflow Review [{kept}]", f"  chat {MODEL} [{kept}]"]
    assert before[-2:] == expected
    assert run(kept)[-2:] == expected


# --- searches -----------------------------------------------------------------------------------


@NEW
@pytest.mark.parametrize("way", ["query", "aquery"])
def test_knowledge(telemetry: Telemetry, way: str) -> None:
    from crewai.knowledge.knowledge import Knowledge
    from crewai.knowledge.storage.base_knowledge_storage import BaseKnowledgeStorage

    class Kept(BaseKnowledgeStorage):
        collection_name: str = "cities"

        def search(self, query: Any, limit: int = 5, **more: Any) -> Any:
            return [{"id": "doc-1", "content": "Oslo is north", "metadata": {}, "score": 0.9}]

        async def asearch(self, query: Any, limit: int = 5, **more: Any) -> Any:
            return self.search(query)

        def save(self, documents: Any) -> None: ...
        async def asave(self, documents: Any) -> None: ...
        def reset(self) -> None: ...
        async def areset(self) -> None: ...

    knowledge = Knowledge(collection_name="cities", sources=[], storage=Kept())
    asked = getattr(knowledge, way)(["Where is Oslo?"], results_limit=3)
    found = asyncio.run(asked) if way == "aquery" else asked
    assert found[0]["id"] == "doc-1"
    assert draw(telemetry) == "retrieval cities"
    told = dict(telemetry.span().attributes or {})
    assert told["gen_ai.retrieval.query.text"] == "Where is Oslo?"
    assert told["gen_ai.retrieval.top_k"] == 3
    (document,) = json.loads(told["gen_ai.retrieval.documents"])
    assert (document["id"], document["score"]) == ("doc-1", 0.9)
    assert document["content"] == "Oslo is north"


class Remembers:
    """Keeps one record, and finds it whatever is asked."""

    def __init__(self, record: Any) -> None:
        self.record = record

    def search(self, *args: Any, **kwargs: Any) -> Any:
        return [(self.record, 0.8)]

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: []


@NEW
def test_memory(server: ProviderServer, telemetry: Telemetry) -> None:
    from crewai.memory.types import MemoryRecord
    from crewai.memory.unified_memory import Memory

    record = MemoryRecord(id="memory-1", content="She lives in Oslo")
    memory = Memory(
        llm=parts.llm(server),
        storage=Remembers(record),
        embedder=lambda texts: [[0.1, 0.2] for _ in texts],
        read_only=True,
    )
    assert memory.recall("Where does she live?", limit=4, depth="shallow")
    assert draw(telemetry) == "retrieval"
    told = dict(telemetry.span().attributes or {})
    assert told["gen_ai.retrieval.query.text"] == "Where does she live?"
    assert told["gen_ai.retrieval.top_k"] == 4
    (document,) = json.loads(told["gen_ai.retrieval.documents"])
    assert (document["id"], document["content"]) == ("memory-1", "She lives in Oslo")


# --- models of the program's own ----------------------------------------------------------------


class Own(BaseLLM):
    """Speaks to nobody."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(self, "_track_token_usage_internal"):
            self._track_token_usage_internal({"prompt_tokens": 5, "completion_tokens": 2})
        return "Sunny."

    async def acall(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        return "Sunny."

    def supports_function_calling(self) -> bool:
        return False


def test_a_model_of_the_programs_own(server: ProviderServer, telemetry: Telemetry) -> None:
    own = Own(model="mine-1", temperature=0.5)
    who = parts.agent(server, llm=own, tools=[])
    Crew(name="weather", agents=[who], tasks=[parts.task(who)]).kickoff()
    assert draw(telemetry) == tree(
        """
        invoke_workflow weather
          invoke_agent Weather teller
            chat mine-1
        """
    )
    (call,) = model_calls(telemetry)
    told = dict(call.attributes or {})
    assert told["gen_ai.request.model"] == "mine-1"
    assert told["gen_ai.request.temperature"] == 0.5
    assert "What is it in Oslo?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]
    if parts.NATIVE:
        assert tokens(call) == "chat mine-1 5+2"


def test_what_it_has_is_sent_and_copied_as_before(telemetry: Telemetry) -> None:
    """Programs hand a model's methods to the processes of a pool."""
    call = Own(model="mine-1").call
    for again in (pickle.loads(pickle.dumps(call)), copy.copy(call), copy.deepcopy(call)):
        assert again("How is it?") == "Sunny."
    assert len(model_calls(telemetry)) == 3


@NEW
def test_a_model_of_the_programs_own_awaited(telemetry: Telemetry) -> None:
    assert asyncio.run(Own(model="mine-1").acall("How is it?")) == "Sunny."
    assert draw(telemetry) == "chat mine-1"


def test_a_model_that_asks_another_one(server: ProviderServer, telemetry: Telemetry) -> None:
    class Through(BaseLLM):
        def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            return parts.llm(server).call(messages)

    class Around(Through):
        def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            return super().call(messages)

    for kind in (Through, Around):
        assert kind(model="through").call("How is it?")
    assert draw(telemetry) == f"chat {MODEL}\nchat {MODEL}"


def test_a_model_that_fails(telemetry: Telemetry) -> None:
    class Fails(BaseLLM):
        def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            raise ConnectionError("no line")

    with pytest.raises(ConnectionError):
        Fails(model="mine-1").call("How is it?")
    assert draw(telemetry) == "chat mine-1 !ConnectionError"


def test_classes_are_given_back() -> None:
    before = Own.__dict__["call"]
    otelier.instrument(capture="NO_CONTENT")
    assert Own.__dict__["call"] is not before
    otelier.uninstrument()
    assert Own.__dict__["call"] is before

    class Later(Own):
        def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            return "later"

    assert not hasattr(Later.__dict__["call"], "_self_wrapper")
