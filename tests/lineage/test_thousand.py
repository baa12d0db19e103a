"""A pipeline of a thousand concurrent requests in one process: no span lost, no parent wrong."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest

import otelier
from tests.installed import openai_streams
from tests.lineage import thousand
from tests.lineage.frameworks.drawing import tree
from tests.lineage.thousand import MANY

# Tests of many seconds.
pytestmark = [openai_streams, pytest.mark.timeout(300)]
# Patient, also on a machine that has much else to do.
KEY: dict[str, Any] = {"api_key": "k", "max_retries": 0, "timeout": 100}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Looks something up.",
            "parameters": {"type": "object", "properties": {"token": {"type": "string"}}},
        },
    }
]

# --- what a request does, by its number --------------------------------------------------------

KINDS = ("whole", "streams", "early", "refused", "cancelled")

WHOLE = tree(
    """
    invoke_workflow research
      retrieval library
        embeddings text-embedding-3-small
      invoke_agent lead
        chat gpt-4o
        execute_tool look
          invoke_agent expert
            chat claude-sonnet-5-5
        chat gpt-4o
    """
)
# The model call below is refused, and so all above it fail.
REFUSED = tree(
    """
    invoke_workflow research !anthropic.RateLimitError
      retrieval library
        embeddings text-embedding-3-small
      invoke_agent lead !anthropic.RateLimitError
        chat gpt-4o
        execute_tool look !anthropic.RateLimitError
          invoke_agent expert !anthropic.RateLimitError
            chat claude-refused !anthropic.RateLimitError
    """
)
# Who leaves has not failed.
CANCELLED = tree(
    """
    invoke_workflow research
      retrieval library
        embeddings text-embedding-3-small
      invoke_agent lead
        chat gpt-4o
        execute_tool look
          invoke_agent expert
            chat claude-endless
    """
)
TREES = {
    "whole": WHOLE,
    "streams": WHOLE,
    "early": WHOLE,
    "refused": REFUSED,
    "cancelled": CANCELLED,
}


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


def model_below(number: int) -> str:
    return {"refused": "claude-refused", "cancelled": "claude-endless"}.get(
        kind_of(number), "claude-sonnet-5-5"
    )


def messages(number: int, *more: Any) -> list[Any]:
    return [{"role": "user", "content": f"t{number} is asked."}, *more]


def called(message: Any) -> Any:
    """What a model has asked to be looked up, as a message."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


class Pipeline:
    """What the program is, with asynchronous clients that all requests share."""

    def __init__(self, url: str) -> None:
        # As a program has them for its tenants; one alone looks through all connections each time.
        self.gpts = [openai.AsyncOpenAI(base_url=url + "/v1", **KEY) for _ in range(8)]
        self.claudes = [anthropic.AsyncAnthropic(base_url=url, **KEY) for _ in range(8)]
        # Those that wait to be cancelled.
        self.waiting: dict[int, asyncio.Event] = {}

        @otelier.retrieval("library")
        async def search(query: str, number: int) -> list[dict[str, Any]]:
            await self.gpts[number % 8].embeddings.create(
                model="text-embedding-3-small", input=query
            )
            return [{"id": f"d{number}", "content": f"t{number} is a document.", "score": 0.5}]

        @otelier.agent("expert")
        async def expert(number: int) -> str:
            claude = self.claudes[number % 8]
            asked: dict[str, Any] = {
                "model": model_below(number),
                "max_tokens": 99,
                "messages": messages(number),
            }
            kind = kind_of(number)
            if kind in ("whole", "refused"):
                answer: Any = await claude.messages.create(**asked)
                return str(answer.content[0].text)
            said = ""
            async with claude.messages.stream(**asked) as stream:
                async for text in stream.text_stream:
                    said += text
                    if kind == "early":
                        break
                    if kind == "cancelled":
                        self.waiting[number].set()
            return said

        @otelier.tool("look")
        async def look(token: str) -> str:
            return await expert(int(token[1:]))

        @otelier.agent("lead")
        async def lead(number: int, found: Any) -> str:
            first = await self.chat(number, messages(number), stream=kind_of(number) == "streams")
            call = first["tool_calls"][0]
            result = await look(f"t{number}")
            said = {"role": "tool", "tool_call_id": call["id"], "content": result}
            last = await self.chat(
                number, messages(number, first, said), stream=kind_of(number) == "streams"
            )
            return str(last["content"])

        @otelier.workflow("research")
        async def research(number: int) -> str:
            return await lead(number, await search(f"t{number} is sought.", number))

        self.research = research

    async def chat(self, number: int, asked: list[Any], *, stream: bool) -> Any:
        given: dict[str, Any] = {"model": "gpt-4o", "messages": asked, "tools": TOOLS}
        completions = self.gpts[number % 8].chat.completions
        if not stream:
            message = (await completions.create(**given)).choices[0].message
            return called(message) if message.tool_calls else {"content": message.content}
        calls: list[Any] = []
        content = ""
        async for chunk in await completions.create(
            stream=True, stream_options={"include_usage": True}, **given
        ):
            delta = chunk.choices[0].delta if chunk.choices else None
            content += (delta.content or "") if delta else ""
            for call in (delta.tool_calls or ()) if delta else ():
                if call.id:
                    function = {"name": call.function.name, "arguments": ""}
                    calls.append({"id": call.id, "type": "function", "function": function})
                calls[-1]["function"]["arguments"] += call.function.arguments or ""
        if calls:
            return {"role": "assistant", "content": None, "tool_calls": calls}
        return {"content": content}

    async def answer(self, number: int) -> str:
        """One request, as its user gets it."""
        with thousand.session(number):
            return await self.research(number)

    async def one(self, number: int) -> str:
        """One request, as a server handles it: cancelled when its client is gone."""
        if kind_of(number) != "cancelled":
            return await self.answer(number)
        gone = self.waiting[number] = asyncio.Event()
        return await thousand.until_gone(self.answer(number), gone)


def test_a_thousand_tasks() -> None:
    with thousand.running() as run:

        async def main() -> list[Any]:
            pipeline = Pipeline(run.server.url)
            try:
                return await asyncio.gather(*map(pipeline.one, range(MANY)), return_exceptions=True)
            finally:
                for client in (*pipeline.gpts, *pipeline.claudes):
                    await client.close()

        answers = asyncio.run(main())
        for number, answer in enumerate(answers):
            kind = kind_of(number)
            if kind == "refused":
                assert type(answer) is anthropic.RateLimitError
                assert f"t{number} is too much." in str(answer)
            elif kind == "cancelled":
                assert type(answer) is asyncio.CancelledError
            else:
                assert answer == f"t{number} is the answer."
        del answers, answer
        counted = thousand.check(run.telemetry, lambda number: TREES[kind_of(number)])
        assert counted == sum(len(TREES[kind_of(number)].splitlines()) for number in range(MANY))


# --- the same in threads -------------------------------------------------------------------------

WORKERS = 64


class ThreadedPipeline:
    """The same with synchronous clients; its tools run in threads of a pool of their own."""

    def __init__(self, url: str, tools: ThreadPoolExecutor) -> None:
        self.gpts = [openai.OpenAI(base_url=url + "/v1", **KEY) for _ in range(4)]
        self.claudes = [anthropic.Anthropic(base_url=url, **KEY) for _ in range(4)]

        @otelier.retrieval("library")
        def search(query: str, number: int) -> list[dict[str, Any]]:
            self.gpts[number % 4].embeddings.create(model="text-embedding-3-small", input=query)
            return [{"id": f"d{number}", "content": f"t{number} is a document.", "score": 0.5}]

        @otelier.agent("expert")
        def expert(number: int) -> str:
            claude = self.claudes[number % 4]
            asked: dict[str, Any] = {
                "model": model_below(number),
                "max_tokens": 99,
                "messages": messages(number),
            }
            kind = kind_of(number)
            if kind in ("whole", "refused"):
                answer: Any = claude.messages.create(**asked)
                return str(answer.content[0].text)
            said = ""
            with claude.messages.stream(**asked) as stream:
                for text in stream.text_stream:
                    said += text
                    # Nobody can cancel a thread: it leaves by itself.
                    if kind in ("early", "cancelled"):
                        break
            return said

        @otelier.tool("look")
        def look(token: str) -> str:
            return expert(int(token[1:]))

        @otelier.agent("lead")
        def lead(number: int, found: Any) -> str:
            completions = self.gpts[number % 4].chat.completions
            asked: dict[str, Any] = {"model": "gpt-4o", "tools": TOOLS}
            first = completions.create(messages=messages(number), **asked).choices[0].message
            inside = contextvars.copy_context()
            result = tools.submit(inside.run, look, f"t{number}").result()
            said = {"role": "tool", "tool_call_id": f"call_t{number}_0", "content": result}
            told = messages(number, called(first), said)
            last = completions.create(messages=told, **asked).choices[0].message
            return str(last.content)

        @otelier.workflow("research")
        def research(number: int) -> str:
            return lead(number, search(f"t{number} is sought.", number))

        self.research = research

    def one(self, number: int) -> Any:
        """One request, and what its user gets."""
        try:
            with thousand.session(number):
                return self.research(number)
        except anthropic.RateLimitError as error:
            return str(error)


def test_a_thousand_requests_in_threads() -> None:
    with (
        thousand.running() as run,
        ThreadPoolExecutor(WORKERS) as pool,
        ThreadPoolExecutor(WORKERS) as tools,
    ):
        pipeline = ThreadedPipeline(run.server.url, tools)
        answers = list(pool.map(pipeline.one, range(MANY)))
        for client in (*pipeline.gpts, *pipeline.claudes):
            client.close()
        for number, answer in enumerate(answers):
            refused = kind_of(number) == "refused"
            assert (f"t{number} is too much." if refused else f"t{number} is the answer.") in answer
        # Who leaves by himself has an answer.
        trees = {**TREES, "cancelled": WHOLE.replace("claude-sonnet-5-5", "claude-endless")}
        counted = thousand.check(run.telemetry, lambda number: trees[kind_of(number)])
        lines = [len(trees[kind_of(number)].splitlines()) for number in range(MANY)]
        assert counted == sum(lines)
