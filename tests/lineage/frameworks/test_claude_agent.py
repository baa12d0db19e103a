"""Claude Agent SDK: the trees that a person would draw, of its program's messages."""

from __future__ import annotations

import asyncio
import json
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


def options(folder: Path, *turns: list[Any], **more: Any) -> ClaudeAgentOptions:
    path, environment = program(folder, *turns, name=more.pop("name", "claude"))
    return ClaudeAgentOptions(cli_path=path, env=environment, **more)


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
