"""Claude Agent SDK: the trees that a person would draw, of its program's messages."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

sdk = pytest.importorskip("claude_agent_sdk")

from claude_agent_sdk import (  # noqa: E402
    ClaudeAgentOptions,
    ClaudeSDKClient,
    create_sdk_mcp_server,
    query,
    tool,
)

import otelier  # noqa: E402
from tests.lineage.frameworks.drawing import (  # noqa: E402
    conversation,
    draw,
    model_calls,
    tokens,
    tree,
)
from tests.servers.claude_wire import (  # noqa: E402
    MODEL,
    assistant,
    bill,
    event,
    init,
    program,
    result,
    results,
    text,
    thinking,
    usage,
    use,
)
from tests.telemetry import Telemetry  # noqa: E402

VERSION = tuple(int(part) for part in sdk.__version__.split(".")[:3])
CALL = f"chat {MODEL}"
FIELDS = {field.name for field in dataclasses.fields(ClaudeAgentOptions)}


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions find the program by the path."""
    monkeypatch.setenv("PATH", os.environ["PATH"])


def options(folder: Path, *turns: list[Any], **more: Any) -> ClaudeAgentOptions:
    path, environment = program(folder, *turns, name=more.pop("name", "main"))
    if "cli_path" in FIELDS:
        more["cli_path"] = path
    else:
        os.environ["PATH"] = f"{Path(path).parent}:{os.environ['PATH']}"
    return ClaudeAgentOptions(env=environment, **more)


async def ask(prompt: Any, chosen: ClaudeAgentOptions) -> list[Any]:
    return [message async for message in query(prompt=prompt, options=chosen)]


def held(span: Any) -> dict[str, Any]:
    return dict(span.attributes or {})


def named(telemetry: Telemetry, name: str) -> dict[str, Any]:
    return held(telemetry.span(name))


SIMPLE = [
    init(),
    assistant("m1", thinking("I should look."), usage=usage(10, 1, 100, 20)),
    assistant("m1", text("Let me look."), usage=usage(10, 1, 100, 20)),
    assistant("m1", use("t1", "Bash", command="ls"), usage=usage(10, 30, 100, 20)),
    results(("t1", "a.txt")),
    assistant("m2", text("One file."), usage=usage(3, 7, 150)),
    result("One file.", stop_reason="end_turn"),
]


def test_a_question_and_a_tool(telemetry: Telemetry, tmp_path: Path) -> None:
    asyncio.run(ask("What is here?", options(tmp_path, SIMPLE, system_prompt="Be brief.")))
    assert draw(telemetry, tokens) == tree(f"""
        invoke_agent 283+37
          {CALL} 130+30
          execute_tool Bash
          {CALL} 153+7
    """)
    assert draw(telemetry, conversation) == tree(f"""
        invoke_agent [session-1]
          {CALL} [session-1]
          execute_tool Bash [session-1]
          {CALL} [session-1]
    """)


def test_what_the_spans_say(telemetry: Telemetry, tmp_path: Path) -> None:
    asyncio.run(ask("What is here?", options(tmp_path, SIMPLE, system_prompt="Be brief.")))
    agent = named(telemetry, "invoke_agent")
    asked = json.loads(agent["gen_ai.input.messages"])
    assert asked[0]["parts"] == [{"type": "text", "content": "What is here?"}]
    answered = json.loads(agent["gen_ai.output.messages"])
    assert answered[0]["parts"] == [{"type": "text", "content": "One file."}]
    assert json.loads(agent["gen_ai.system_instructions"])[0]["content"] == "Be brief."
    assert [each["name"] for each in json.loads(agent["gen_ai.tool.definitions"])] == [
        "Bash",
        "Task",
    ]
    first, second = (held(span) for span in model_calls(telemetry))
    assert first["gen_ai.provider.name"] == "anthropic"
    assert first["gen_ai.response.id"] == "m1"
    assert first["gen_ai.usage.cache_read.input_tokens"] == 100
    assert first["gen_ai.usage.cost"] > 0
    parts = json.loads(first["gen_ai.output.messages"])[0]["parts"]
    assert [part["type"] for part in parts] == ["reasoning", "text", "tool_call"]
    assert second["gen_ai.response.finish_reasons"] == ("stop",)
    roles = [each["role"] for each in json.loads(second["gen_ai.input.messages"])]
    assert roles == ["user", "assistant", "tool"] or roles == ["user", "assistant", "user"]
    ran = named(telemetry, "execute_tool")
    assert ran["gen_ai.tool.call.id"] == "t1"
    assert json.loads(ran["gen_ai.tool.call.arguments"]) == {"command": "ls"}
    assert json.loads(ran["gen_ai.tool.call.result"]) == {"result": "a.txt"}


def test_the_program_s_own_totals(telemetry: Telemetry, tmp_path: Path) -> None:
    first = [init(), assistant("m1", text("1")), result("1", **bill(0.5, 20, 8, 5))]
    second = [init(), assistant("m2", text("2")), result("2", **bill(0.75, 40, 10, 5))]

    async def main() -> None:
        with otelier.workflow("day"):
            async with ClaudeSDKClient(options(tmp_path, first, second)) as client:
                for prompt in ("one", "two"):
                    await client.query(prompt)
                    async for _ in client.receive_response():
                        pass

    asyncio.run(main())
    assert draw(telemetry, tokens) == tree(f"""
        invoke_workflow day 45+10
          invoke_agent 25+8
            {CALL} 10+5
          invoke_agent 20+2
            {CALL} 10+5
    """)
    costs = [held(span)["otelier.cost.total"] for span in telemetry.spans("invoke_agent")]
    assert costs == pytest.approx([0.5, 0.25])
    assert named(telemetry, "invoke_workflow")["otelier.cost.total"] == pytest.approx(0.75)


async def read(client: ClaudeSDKClient, prompt: str) -> list[Any]:
    await client.query(prompt)
    return [message async for message in client.receive_response()]


def both(messages: list[Any]) -> list[str]:
    return [repr(message) for message in messages]


def test_parallel_tools_in_any_order_and_one_that_fails(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    turn = [
        init(),
        assistant("m1", use("t1", "Read", path="a")),
        assistant("m1", use("t2", "Read", path="b")),
        assistant("m1", use("t3", "Grep", words="c")),
        results(("t3", [{"type": "text", "text": "three"}])),
        results(("t1", "no such file", True), ("t2", "two")),
        assistant("m2", use("t4", "Read", path="aa")),
        results(("t4", "one")),
        assistant("m3", text("done")),
        result(),
    ]
    asyncio.run(ask("go", options(tmp_path, turn)))
    assert draw(telemetry, tokens) == tree(f"""
        invoke_agent 30+15
          {CALL} 10+5
          execute_tool Read !tool_error
          execute_tool Read
          execute_tool Grep
          {CALL} 10+5
          execute_tool Read
          {CALL} 10+5
    """)
    told = {
        held(span)["gen_ai.tool.call.id"]: held(span) for span in telemetry.spans("execute_tool")
    }
    assert json.loads(told["t3"]["gen_ai.tool.call.result"]) == {
        "result": [{"type": "text", "text": "three"}]
    }
    assert "gen_ai.tool.call.result" not in told["t1"]
    assert told["t1"]["error.type"] == "tool_error"


def test_sub_agents_side_by_side(telemetry: Telemetry, tmp_path: Path) -> None:
    def task(key: str, kind: str) -> Any:
        return use(key, "Task", subagent_type=kind, prompt=f"{kind}!", description=kind)

    turn = [
        init(),
        assistant("m1", task("t1", "searcher"), task("t2", "writer")),
        assistant("s1", use("u1", "Grep", words="x"), parent="t1"),
        assistant("w1", use("u2", "Write", path="y"), parent="t2"),
        results(("u2", "written"), parent="t2"),
        results(("u1", "found"), parent="t1"),
        assistant("s2", text("I found it."), parent="t1"),
        results(("t1", [text("I found it.")])),
        assistant("w2", text("I wrote it."), parent="t2"),
        results(("t2", [text("I wrote it.")])),
        assistant("m2", text("done")),
        result(**bill(0.25, 60, 30)),
    ]
    asyncio.run(ask("go", options(tmp_path, turn)))
    assert draw(telemetry, tokens) == tree(f"""
        invoke_agent 60+30
          {CALL} 10+5
          execute_tool Task
            invoke_agent searcher 20+10
              {CALL} 10+5
              execute_tool Grep
              {CALL} 10+5
          execute_tool Task
            invoke_agent writer 20+10
              {CALL} 10+5
              execute_tool Write
              {CALL} 10+5
          {CALL} 10+5
    """)
    assert "[session-1]" in draw(telemetry, conversation).splitlines()[5]
    found = named(telemetry, "invoke_agent searcher")
    assert json.loads(found["gen_ai.input.messages"])[0]["parts"][0]["content"] == "searcher!"
    assert json.loads(found["gen_ai.output.messages"])[0]["parts"][0]["content"] == "I found it."


def test_a_sub_agent_in_the_background_goes_on_after_the_turn(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    first = [
        init(),
        assistant("m1", use("t1", "Task", subagent_type="slow", prompt="p")),
        results(("t1", "started"), tool_use_result={"status": "async_launched"}),
        assistant("m2", text("It runs.")),
        result(),
        assistant("s1", text("Ready."), parent="t1"),
        {
            "type": "system",
            "subtype": "task_notification",
            "task_id": "k",
            "tool_use_id": "t1",
            "status": "completed",
            "output_file": "",
            "summary": "Ready.",
        },
        init(),
        assistant("m3", text("It is ready.")),
        result(),
    ]
    asyncio.run(ask("go", options(tmp_path, first)))
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool Task
            invoke_agent slow
              {CALL}
          {CALL}
        invoke_agent
          {CALL}
    """)


def test_what_goes_on_in_the_background_counts_once(telemetry: Telemetry, tmp_path: Path) -> None:
    later = {"type": "system", "subtype": "task_notification", "task_id": "k", "output_file": ""}
    turn = [
        init(),
        assistant("m1", use("t1", "Task", subagent_type="slow", prompt="p")),
        results(("t1", "started"), tool_use_result={"status": "async_launched"}),
        assistant("m2", text("It runs.")),
        result(**bill(0.5, 20, 10)),
        assistant("s1", text("Ready."), parent="t1"),
        {**later, "tool_use_id": "t1", "status": "completed", "summary": "Ready."},
        init(),
        assistant("m3", text("It is ready.")),
        result(**bill(1.0, 40, 20)),
    ]

    async def main() -> None:
        with otelier.workflow("day"):
            await ask("go", options(tmp_path, turn))

    asyncio.run(main())
    day = named(telemetry, "invoke_workflow")
    assert (day["gen_ai.usage.input_tokens"], day["gen_ai.usage.output_tokens"]) == (40, 20)
    assert day["otelier.cost.total"] == pytest.approx(1.0)


TOOL_TURN = [
    init(tools=("mcp__my_shop__price",)),
    assistant(
        "m1", use("t1", "mcp__my_shop__price", item="a"), use("t2", "mcp__my_shop__price", item="b")
    ),
    {
        "call": [
            {"id": "t2", "server": "my shop", "name": "price", "arguments": {"item": "b"}},
            {"id": "t1", "server": "my shop", "name": "price", "arguments": {"item": "a"}},
        ]
    },
    assistant("m2", text("done")),
    result(),
]


def shop(telemetry: Telemetry, **more: Any) -> Any:
    @tool("price", "What an item costs", {"item": str})
    async def price(arguments: dict[str, Any]) -> dict[str, Any]:
        with telemetry.tracer.start_as_current_span("look up " + arguments["item"]):
            await asyncio.sleep(0)
        if arguments["item"] == "bad":
            raise ValueError("no such item")
        return {"content": [{"type": "text", "text": "7"}]}

    return {"my shop": create_sdk_mcp_server("my shop", tools=[price])}


async def streamed(*prompts: str) -> Any:
    for prompt in prompts:
        yield {"type": "user", "message": {"role": "user", "content": prompt}}


def test_tools_of_this_process_have_what_they_do_inside(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    async def main() -> None:
        async with ClaudeSDKClient(
            options(tmp_path, TOOL_TURN, mcp_servers=shop(telemetry))
        ) as client:
            await read(client, "go")

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool mcp__my_shop__price
            look up a
          execute_tool mcp__my_shop__price
            look up b
          {CALL}
    """)


def test_a_program_that_does_not_tell_the_call(telemetry: Telemetry, tmp_path: Path) -> None:
    asked = {"server": "my shop", "name": "price"}
    turn = [
        init(),
        assistant("m1", use("t1", "mcp__my_shop__price", item="a")),
        {"call": [{"id": "t1", "arguments": {"item": "a"}, **asked}], "meta": False},
        assistant("m2", use("t2", "mcp__my_shop__price", item="bad")),
        {"call": [{"id": "t2", "arguments": {"item": "bad"}, **asked}], "meta": False},
        assistant("m3", text("done")),
        result(),
    ]

    async def main() -> None:
        async with ClaudeSDKClient(options(tmp_path, turn, mcp_servers=shop(telemetry))) as client:
            await read(client, "go")

    asyncio.run(main())
    # Older versions of the SDK do not tell the program that a tool has failed.
    failed = " !tool_error" if VERSION > (0, 1, 0) else ""
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool mcp__my_shop__price
            look up a
          {CALL}
          execute_tool mcp__my_shop__price{failed}
            look up bad
          {CALL}
    """)


def test_a_tool_that_the_program_declares_is_one_span(telemetry: Telemetry, tmp_path: Path) -> None:
    @tool("price", "What an item costs", {"item": str})
    @otelier.tool(description="Mine")
    async def price(arguments: dict[str, Any]) -> dict[str, Any]:
        with otelier.agent("inner"):
            return {"content": [{"type": "text", "text": "7"}]}

    servers = {"my shop": create_sdk_mcp_server("my shop", tools=[price])}
    turn = [
        init(),
        assistant("m1", use("t1", "mcp__my_shop__price", item="a")),
        {"call": [{"id": "t1", "server": "my shop", "name": "price", "arguments": {"item": "a"}}]},
        result(),
    ]

    async def main() -> None:
        async with ClaudeSDKClient(options(tmp_path, turn, mcp_servers=servers)) as client:
            await read(client, "go")

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool mcp__my_shop__price
            invoke_agent inner
    """)
    assert named(telemetry, "execute_tool")["gen_ai.tool.description"] == "Mine"


def test_hooks_and_permissions_belong_to_their_tool(telemetry: Telemetry, tmp_path: Path) -> None:
    async def before(given: Any, key: Any, context: Any) -> dict[str, Any]:
        telemetry.tracer.start_span("before").end()
        return {}

    async def may(name: str, given: Any, context: Any) -> Any:
        telemetry.tracer.start_span("may").end()
        return sdk.PermissionResultDeny(message="Not that one.")

    turn = [
        init(),
        assistant("m1", use("t1", "Bash", command="rm")),
        {"hook": {"event": "PreToolUse", "id": "t1", "input": {}}},
        {"permission": {"id": "t1", "name": "Bash", "input": {"command": "rm"}}},
        assistant("m2", text("I may not.")),
        {"hook": {"event": "PreToolUse", "id": None, "input": {}}},
        result("I may not.", permission_denials=[{"tool_name": "Bash", "tool_use_id": "t1"}]),
    ]

    async def main() -> None:
        chosen = options(
            tmp_path,
            turn,
            can_use_tool=may,
            hooks={"PreToolUse": [sdk.HookMatcher(hooks=[before])]},
        )
        client = ClaudeSDKClient(chosen)
        await client.connect(waits())
        try:
            async for _ in client.receive_response():
                pass
        finally:
            await client.disconnect()

    async def waits() -> Any:
        async for message in streamed("go"):
            yield message
        await asyncio.Event().wait()

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool Bash !tool_error
            before
            may
          {CALL}
          before
    """)


def test_streaming_input_and_partial_messages(telemetry: Telemetry, tmp_path: Path) -> None:
    answer = [
        event({"type": "message_start", "message": {"id": "m1"}}),
        event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "o"}}),
        assistant("m1", text("one"), usage=usage(10, 1)),
        event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 9},
            }
        ),
        event({"type": "message_stop"}),
    ]
    first = [init(), *answer, result("one")]
    second = [init(), assistant("m2", text("two")), result("two")]
    asyncio.run(
        ask(streamed("1", "2"), options(tmp_path, first, second, include_partial_messages=True))
    )
    assert draw(telemetry, tokens) == tree(f"""
        invoke_agent 10+9
          {CALL} 10+9
        invoke_agent 10+5
          {CALL} 10+5
    """)
    asked = [
        json.loads(held(span)["gen_ai.input.messages"])[0]["parts"][0]["content"]
        for span in telemetry.spans("invoke_agent")
    ]
    assert asked == ["1", "2"]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"subtype": "error_max_turns", "errors": ["Too many turns"]}, "error_max_turns"),
        ({"api_error_status": 529, "result": "API Error: overloaded"}, "529"),
        ({}, "api_error"),
    ],
)
def test_results_that_are_errors(
    telemetry: Telemetry, tmp_path: Path, more: Any, kind: str
) -> None:
    failed = assistant("x", text("API Error"), model="<synthetic>", error="rate_limit")
    told = {"is_error": True, **more}
    turn = [init(), failed, result(told.pop("result", None), **told), {"exit": 1}]

    async def main() -> None:
        with pytest.raises(Exception):  # noqa: B017
            await ask("go", options(tmp_path, turn))

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent !{kind}
          {CALL} !rate_limit
    """)


def test_a_program_that_dies(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [
        init(),
        assistant("m1", use("t1", "Bash", command="x")),
        {"exit": 3},
    ]

    async def main() -> None:
        with pytest.raises(Exception, match="exit code"):
            await ask("go", options(tmp_path, turn))

    asyncio.run(main())
    agent = draw(telemetry).splitlines()
    assert agent[0].startswith("invoke_agent !")
    assert agent[1:] == [f"  {CALL}", "  execute_tool Bash"]


def test_a_turn_that_is_interrupted_and_another(telemetry: Telemetry, tmp_path: Path) -> None:
    first = [
        init(),
        assistant("m1", use("t1", "Bash", command="sleep")),
        {"interrupted": True},
        results(("t1", "[Request interrupted by user for tool use]", True)),
        result(None, subtype="error_during_execution", is_error=True),
    ]
    second = [
        init(model="claude-opus-4-1"),
        assistant("m2", text("ok"), model="claude-opus-4-1"),
        result(),
    ]

    async def main() -> None:
        async with ClaudeSDKClient(options(tmp_path, first, second)) as client:
            await client.query("go")
            async for message in client.receive_response():
                if isinstance(message, sdk.AssistantMessage):
                    await client.interrupt()
            await read(client, "again")

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool Bash !tool_error
        invoke_agent
          chat claude-opus-4-1
    """)
    assert held(telemetry.spans("invoke_agent")[0])["otelier.stream.end"] == "cancelled"


def test_left_early_and_never_read(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [init(), assistant("m1", use("t1", "Bash")), {"interrupted": True}]

    async def main() -> None:
        messages = query(prompt="go", options=options(tmp_path, turn))
        async for message in messages:
            if isinstance(message, sdk.AssistantMessage):
                break
        await messages.aclose()
        # Never begun: no program runs.
        query(prompt="go", options=options(tmp_path, turn))

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool Bash
    """)
    assert named(telemetry, "invoke_agent")["otelier.stream.end"] == "closed"


def test_a_task_that_is_cancelled(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [init(), assistant("m1", text("a")), {"interrupted": True}]

    async def main() -> None:
        seen = asyncio.Event()

        async def reads() -> None:
            async for message in query(prompt="go", options=options(tmp_path, turn)):
                if isinstance(message, sdk.AssistantMessage):
                    seen.set()

        task = asyncio.create_task(reads())
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
    """)
    assert named(telemetry, "invoke_agent")["otelier.stream.end"] == "cancelled"


def test_ten_at_once(telemetry: Telemetry, tmp_path: Path) -> None:
    def turn(user: int) -> list[Any]:
        return [
            init(),
            assistant("m1", use(f"t{user}", "mcp__my_shop__price", item=str(user))),
            {
                "call": [
                    {
                        "id": f"t{user}",
                        "server": "my shop",
                        "name": "price",
                        "arguments": {"item": str(user)},
                    }
                ]
            },
            assistant("m2", text("ok")),
            result(),
        ]

    servers = shop(telemetry)

    async def one(user: int) -> None:
        with otelier.session(conversation_id=f"c{user}"), otelier.workflow(f"w{user}"):
            chosen = options(tmp_path, turn(user), name=f"p{user}", mcp_servers=servers)
            if "cli_path" not in FIELDS:
                await asyncio.sleep(0)
            async with ClaudeSDKClient(chosen) as client:
                await read(client, f"user {user}")

    async def main() -> None:
        await asyncio.gather(*map(one, range(10)))

    asyncio.run(main())
    inner = f"""
  invoke_agent [c{{0}}]
    {CALL} [c{{0}}]
    execute_tool mcp__my_shop__price [c{{0}}]
      look up {{0}} [c{{0}}]
    {CALL} [c{{0}}]"""
    wanted = sorted(f"invoke_workflow w{user} [c{user}]" + inner.format(user) for user in range(10))
    found = draw(telemetry, conversation)
    assert sorted("\n".join(found.splitlines()[at : at + 6]) for at in range(0, 60, 6)) == wanted


def test_without_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")
    telemetry = Telemetry().start()
    asyncio.run(ask("What is here?", options(tmp_path, SIMPLE, system_prompt="Be brief.")))
    assert draw(telemetry, tokens) == tree(f"""
        invoke_agent 283+37
          {CALL} 130+30
          execute_tool Bash
          {CALL} 153+7
    """)
    said = str([held(span) for span in telemetry.spans()])
    for word in ("here", "brief", "look", "file", "a.txt", "ls"):
        assert f"{word}" not in said.replace("false", ""), word
    telemetry.stop()


def test_failures_without_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "NO_CONTENT")
    telemetry = Telemetry().start()
    later = {"type": "system", "subtype": "task_notification", "task_id": "k", "output_file": ""}
    turn = [
        init(),
        assistant("m1", use("t1", "Task", subagent_type="x", prompt="MARK")),
        assistant("s1", text("MARK"), parent="t1"),
        results(("t1", "MARK", True)),
        assistant("m2", use("t2", "Task", subagent_type="y", prompt="MARK")),
        results(("t2", "MARK"), tool_use_result={"status": "async_launched"}),
        assistant("s2", text("MARK"), parent="t2"),
        {**later, "tool_use_id": "t2", "status": "failed", "summary": "MARK"},
        result("MARK", is_error=True),
    ]

    async def main() -> None:
        with contextlib.suppress(Exception):
            await ask("MARK", options(tmp_path, turn))

    asyncio.run(main())
    telemetry.stop()
    failed = [span.name for span in telemetry.spans("invoke_agent") if "error.type" in held(span)]
    assert sorted(failed) == ["invoke_agent", "invoke_agent x", "invoke_agent y"]
    for span in telemetry.spans():
        assert "MARK" not in f"{span.to_json()}", span.name


def test_left_alone_taken_back_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> list[str]:
        return both(asyncio.run(ask("What is here?", options(tmp_path, SIMPLE))))

    def stable(messages: list[str]) -> list[str]:
        return [each.partition("uuid=")[0].partition("'uuid'")[0] for each in messages]

    telemetry = Telemetry().start()
    seen = stable(run())
    assert len(telemetry.spans()) == 4
    telemetry.stop()
    assert stable(run()) == seen
    assert len(telemetry.spans()) == 4
    again = Telemetry().start()
    assert stable(run()) == seen
    assert len(again.spans()) == 4
    again.stop()
    monkeypatch.setenv("OTELIER_DISABLED", "claude_agent")
    alone = Telemetry().start()
    assert stable(run()) == seen
    assert not alone.spans()
    alone.stop()


def test_nothing_is_kept(telemetry: Telemetry, tmp_path: Path) -> None:
    from otelier.frameworks.claude_agent import prompts, queries, tools

    asyncio.run(ask("What is here?", options(tmp_path, SIMPLE)))
    assert telemetry.spans()
    assert not queries._sessions._held
    assert not prompts._waiting._held
    assert not tools._asked


def test_a_resumed_session_in_another_process(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [init(), assistant("m1", text("again")), result()]
    asyncio.run(ask("go on", options(tmp_path, turn, resume="session-7")))
    assert draw(telemetry, conversation) == tree(f"""
        invoke_agent [session-7]
          {CALL} [session-7]
    """)


def test_structured_output_compaction_and_what_a_provider_runs(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    turn = [
        init(),
        {"type": "system", "subtype": "compact_boundary", "compact_metadata": {"trigger": "auto"}},
        {
            "type": "user",
            "message": {"role": "user", "content": "A summary."},
            "parent_tool_use_id": None,
        },
        assistant(
            "m1",
            search,
            text("found"),
            usage={**usage(), "server_tool_use": {"web_search_requests": 2}},
        ),
        result(None, structured_output={"answer": 7}),
    ]
    asyncio.run(ask("go", options(tmp_path, turn)))
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
    """)
    assert "7" in str(named(telemetry, "invoke_agent"))
    assert held(model_calls(telemetry)[0])["otelier.usage.web_searches"] == 2


def test_a_tool_that_answers_between_the_blocks_of_a_call(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    turn = [
        init(),
        assistant("m1", use("t1", "Read", path="a")),
        results(("t1", "one")),
        assistant("m1", use("t2", "Read", path="b")),
        results(("t2", "two")),
        assistant("m2", text("done")),
        result(),
    ]
    asyncio.run(ask("go", options(tmp_path, turn)))
    assert draw(telemetry, tokens) == tree(f"""
        invoke_agent 20+10
          {CALL} 10+5
          execute_tool Read
          execute_tool Read
          {CALL} 10+5
    """)
    last = json.loads(held(telemetry.spans("chat")[1])["gen_ai.input.messages"])
    calls = [part["type"] for message in last for part in message["parts"]]
    assert calls == ["text", "tool_call", "tool_call", "tool_call_response", "tool_call_response"]


def test_a_client_that_is_dropped_in_the_middle(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [init(), assistant("m1", text("a")), {"interrupted": True}]

    async def main() -> None:
        client = ClaudeSDKClient(options(tmp_path, turn))
        await client.connect()
        await client.query("go")
        async for message in client.receive_messages():
            if isinstance(message, sdk.AssistantMessage):
                break
        assert not telemetry.spans()
        await client.disconnect()

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
    """)


def test_who_breaks_off_may_read_on(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [init(), assistant("m1", use("t1", "Bash")), results(("t1", "x")), result()]

    async def main() -> None:
        async with ClaudeSDKClient(options(tmp_path, turn)) as client:
            await client.query("go")
            messages = client.receive_messages()
            async for message in messages:
                if isinstance(message, sdk.AssistantMessage):
                    break
            await messages.aclose()
            async for _ in client.receive_response():
                pass

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
          execute_tool Bash
    """)
    assert "otelier.stream.end" not in named(telemetry, "invoke_agent")


def test_who_asks_is_the_parent(telemetry: Telemetry, tmp_path: Path) -> None:
    """One task reads for all, others ask."""
    turns = [[init(), assistant(f"m{each}", text("a")), result()] for each in range(2)]

    async def main() -> None:
        async with ClaudeSDKClient(options(tmp_path, *turns)) as client:
            done: asyncio.Queue[Any] = asyncio.Queue()

            async def reads() -> None:
                async for message in client.receive_messages():
                    if isinstance(message, sdk.ResultMessage):
                        done.put_nowait(message)

            reader = asyncio.create_task(reads())
            for name in ("first", "second"):
                with telemetry.tracer.start_as_current_span(name):
                    await client.query("go")
                    await done.get()
            reader.cancel()

    asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        first
          invoke_agent
            {CALL}
        second
          invoke_agent
            {CALL}
    """)


def test_the_generator_is_as_it_was(telemetry: Telemetry, tmp_path: Path) -> None:
    """Laziness, what is thrown in, and the end are the SDK's own."""
    from claude_agent_sdk._internal.query import Query

    class Silent:
        """A transport of the program's own."""

        def __init__(self, *messages: Any) -> None:
            self.messages = messages
            self.read = 0

        async def read_messages(self) -> Any:
            for message in self.messages:
                self.read += 1
                yield message

        async def write(self, data: str) -> None: ...

        async def close(self) -> None: ...

        async def end_input(self) -> None: ...

    odd = [{"type": "assistant"}, {"type": "user", "message": 3}, {"type": "result"}, {"type": 1}]

    async def main() -> None:
        for message in odd:
            seen = Query(transport=Silent(message), is_streaming_mode=True)
            seen._message_send.send_nowait(message)
            generator = seen.receive_messages()
            assert generator.__name__ == "receive_messages"
            assert await generator.__anext__() is message
            with pytest.raises(KeyError):
                await generator.athrow(KeyError("mine"))
            with pytest.raises(StopAsyncIteration):
                await generator.__anext__()

    asyncio.run(main())


def test_two_instrumentations(tmp_path: Path) -> None:
    wrappers = pytest.importorskip("openinference.instrumentation.claude_agent_sdk")
    telemetry = Telemetry()
    theirs = wrappers.ClaudeAgentSDKInstrumentor()
    theirs.instrument(tracer_provider=telemetry.tracer_provider)
    telemetry.start()
    try:

        async def main() -> None:
            async with ClaudeSDKClient(options(tmp_path, SIMPLE)) as client:
                await read(client, "go")

        asyncio.run(main())
    finally:
        telemetry.stop()
        theirs.uninstrument()
    assert draw(telemetry, tokens) == tree(f"""
        ClaudeAgentSDK.ClaudeSDKClient.receive_response
          {CALL} 130+30
          Bash
          {CALL} 153+7
    """)
    assert all(
        held(span)["gen_ai.conversation.id"] == "session-1" for span in model_calls(telemetry)
    )


def test_an_error_of_the_program_s_own_reading(telemetry: Telemetry, tmp_path: Path) -> None:
    """What is raised in the loop that reads is not the agent's."""
    turn = [init(), assistant("m1", text("a")), {"interrupted": True}]

    async def main() -> None:
        async with ClaudeSDKClient(options(tmp_path, turn)) as client:
            await client.query("go")
            async for message in client.receive_response():
                if isinstance(message, sdk.AssistantMessage):
                    raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        asyncio.run(main())
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
    """)


def test_a_version_whose_seam_is_missing() -> None:
    from otelier.frameworks.claude_agent import prompts, queries, tools
    from otelier.hooks.patching import Patches

    for room in (prompts, queries, tools):
        with pytest.raises(LookupError):
            room.patch("claude_agent", os, Patches())


def test_a_model_call_in_a_tool(server: Any, tmp_path: Path) -> None:
    httpx = pytest.importorskip("httpx2" if find_spec("httpx2") else "httpx")
    host = server.url.removeprefix("http://")
    telemetry = Telemetry().start(provider_hosts=f"{host}=openai", http=True)

    @tool("price", "What an item costs", {"item": str})
    async def price(arguments: dict[str, Any]) -> dict[str, Any]:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "How much?"}]}
        async with httpx.AsyncClient() as client:
            await client.post(server.url + "/v1/chat/completions", json=body)
        return {"content": [{"type": "text", "text": "7"}]}

    servers = {"my shop": create_sdk_mcp_server("my shop", tools=[price])}
    turn = [
        init(),
        assistant("m1", use("t1", "mcp__my_shop__price", item="a")),
        {"call": [{"id": "t1", "server": "my shop", "name": "price", "arguments": {"item": "a"}}]},
        result(**bill(0.5, 20, 8, 5)),
    ]

    async def main() -> None:
        with otelier.workflow("day"):
            async with ClaudeSDKClient(options(tmp_path, turn, mcp_servers=servers)) as client:
                await read(client, "go")

    asyncio.run(main())
    inner = held(telemetry.span("chat gpt-4o"))
    read_, wrote = inner["gen_ai.usage.input_tokens"], inner["gen_ai.usage.output_tokens"]
    assert read_ and wrote
    # The program's totals know nothing of the call in the tool.
    sums = f"{25 + read_}+{8 + wrote}"
    assert draw(telemetry, tokens) == tree(f"""
        invoke_workflow day {sums}
          invoke_agent {sums}
            {CALL} 10+5
            execute_tool mcp__my_shop__price
              chat gpt-4o {read_}+{wrote}
    """)
    for name in ("invoke_workflow", "invoke_agent"):
        told = named(telemetry, name)
        assert told["otelier.cost.total"] == pytest.approx(0.5 + inner["gen_ai.usage.cost"])
        assert "otelier.cost.partial" not in told
    telemetry.stop()


def test_a_process_that_ends_without_a_result(telemetry: Telemetry, tmp_path: Path) -> None:
    turn = [init(), assistant("m1", text("a")), {"exit": 0}]
    asyncio.run(ask("go", options(tmp_path, turn)))
    assert draw(telemetry) == tree(f"""
        invoke_agent
          {CALL}
    """)
    assert named(telemetry, "invoke_agent")["otelier.stream.end"] == "closed"


def test_a_conversation_that_the_program_names_wins(telemetry: Telemetry, tmp_path: Path) -> None:
    async def main() -> None:
        with otelier.session(conversation_id="mine"):
            await ask("go", options(tmp_path, SIMPLE))

    asyncio.run(main())
    assert {held(span)["gen_ai.conversation.id"] for span in telemetry.spans()} == {"mine"}
