"""A thousand runs of agents of the Agents SDK at once: no span lost, no parent wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("agents")

import agents
import openai
from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner, function_tool

import otelier
from tests.lineage import thousand
from tests.lineage.frameworks.drawing import tree
from tests.lineage.thousand import MANY

KINDS = ("whole", "streams", "handed over", "refused", "cancelled")
WHOLE = tree(
    """
    invoke_agent lead
      chat gpt-4o
      execute_tool look
        invoke_agent expert
          chat gpt-4o-mini
      chat gpt-4o
    """
)
TREES = {
    "whole": WHOLE,
    "streams": WHOLE,
    "handed over": tree(
        """
        invoke_workflow
          invoke_agent triage
            chat gpt-4o
          invoke_agent expert
            chat gpt-4o-mini
        """
    ),
    "refused": tree(
        """
        invoke_agent lead !agents.exceptions.UserError
          chat gpt-4o
          execute_tool look !openai.RateLimitError
            invoke_agent expert !openai.RateLimitError
              chat gpt-refused !openai.RateLimitError
        """
    ),
    "cancelled": tree(
        """
        invoke_agent lead
          chat gpt-4o
          execute_tool look
            invoke_agent expert
              chat gpt-endless
        """
    ),
}


@pytest.fixture(autouse=True)
def nothing_is_sent_elsewhere() -> None:
    # The Agents SDK would export to OpenAI.
    agents.set_trace_processors([])


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


class Program:
    """Agents that all requests share."""

    def __init__(self, url: str) -> None:
        clients = [
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=100)
            for _ in range(4)
        ]

        def model(name: str, number: int = 0) -> Any:
            return OpenAIChatCompletionsModel(name, clients[number])

        below = {"refused": "gpt-refused", "cancelled": "gpt-endless"}
        experts = {
            kind: Agent(name="expert", model=model(below.get(kind, "gpt-4o-mini"), place % 4))
            for place, kind in enumerate(KINDS)
        }
        self.gone: dict[int, asyncio.Event] = {}

        @function_tool(failure_error_function=None)
        async def look(token: str) -> str:
            """Looks something up."""
            number = int(token[1:])
            expert = experts[kind_of(number)]
            if kind_of(number) != "cancelled":
                return str((await Runner.run(expert, f"{token} is asked.")).final_output)
            result = Runner.run_streamed(expert, f"{token} is asked.")
            async for event in result.stream_events():
                if getattr(getattr(event, "data", None), "delta", None):
                    self.gone[number].set()
            return str(result.final_output)

        self.lead = Agent(name="lead", model=model("gpt-4o"), tools=[look])
        self.triage = Agent(name="triage", model=model("gpt-4o"), handoffs=[experts["whole"]])

    async def answer(self, number: int) -> str:
        """One request, as its user gets it."""
        kind = kind_of(number)
        asked = f"t{number} is asked."
        config: dict[str, Any] = {"run_config": RunConfig(group_id=f"conversation-{number}")}
        with otelier.session(user_id=f"user-{number}", session_id=f"session-{number}"):
            if kind == "streams":
                streamed = Runner.run_streamed(self.lead, asked, **config)
                async for _ in streamed.stream_events():
                    pass
                return str(streamed.final_output)
            agent = self.triage if kind == "handed over" else self.lead
            return str((await Runner.run(agent, asked, **config)).final_output)

    async def one(self, number: int) -> str:
        """One request, as a server handles it."""
        gone = self.gone[number] = asyncio.Event()
        if kind_of(number) == "cancelled":
            return await thousand.until_gone(self.answer(number), gone)
        return await asyncio.create_task(self.answer(number))


@pytest.mark.timeout(300)
def test_a_thousand_runs_of_agents() -> None:
    with thousand.running() as run:

        async def main() -> list[Any]:
            program = Program(run.server.url)
            return await asyncio.gather(*map(program.one, range(MANY)), return_exceptions=True)

        answers = asyncio.run(main())
        for number, answer in enumerate(answers):
            kind = kind_of(number)
            if kind == "refused":
                assert isinstance(answer, agents.UserError)
                assert f"t{number} is too much." in str(answer)
            elif kind == "cancelled":
                assert type(answer) is asyncio.CancelledError
            else:
                assert answer == f"t{number} is the answer."
        del answers, answer
        counted = thousand.check(run.telemetry, lambda number: TREES[kind_of(number)])
        assert counted == sum(len(TREES[kind_of(number)].splitlines()) for number in range(MANY))
