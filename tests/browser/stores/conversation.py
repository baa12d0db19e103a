"""One session of 200 turns over several traces; each call is sent all that was said before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.store.turns import MODELS
from otelier import semconv as s
from otelier import wire
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from tests.browser.stores.said import SYSTEM, TOOLS, Part, Turn, turn
from tests.browser.stores.tracing import Trace, failed

TURNS: Final = 200
# Turns of a trace.
_VISIT: Final = 10
_HOUR: Final = 3600 * 10**9
ABOUT: Final = {
    s.SESSION_ID: "session-bicycle",
    s.CONVERSATION_ID: "conv-bicycle",
    s.USER_ID: "ada",
    s.TAGS: ["workshop", "stable"],
    s.METADATA + "tenant": "north",
}
_MODEL: Final = MODELS[0]


def _json(value: Any) -> str:
    return wire.dumps(value).decode()


_ASKED: Final = {
    s.OPERATION_NAME: s.CHAT,
    s.PROVIDER_NAME: _MODEL.provider,
    s.REQUEST_MODEL: _MODEL.name,
    s.REQUEST_TEMPERATURE: 0.2,
    s.REQUEST_STREAM: True,
    s.SERVER_ADDRESS: _MODEL.address,
    s.SERVER_PORT: 443,
    s.PROMPT_NAME: "mechanic",
    s.PROMPT_VERSION: "7",
    s.SYSTEM_INSTRUCTIONS: _json([{"type": "text", "content": SYSTEM}]),
    s.TOOL_DEFINITIONS: _json(TOOLS),
}
_AGENT: Final = {s.OPERATION_NAME: s.INVOKE_AGENT, s.AGENT_NAME: "mechanic"}
_VISITED: Final = {s.OPERATION_NAME: s.INVOKE_WORKFLOW, s.WORKFLOW_NAME: "visit"}
_LIMITED: Final = "Error code: 429 - rate limit reached for this model; try again in 2 s"


def write(path: Path) -> None:
    """Make the store."""
    writer = Writer(path)
    talk = _Talk()
    for first in range(0, TURNS, _VISIT):
        writer.write(talk.visit(range(first, first + _VISIT)))
    writer.close()


class _Talk:
    """The conversation so far."""

    def __init__(self) -> None:
        self.trace = Trace(ABOUT, number=0)
        # Messages, each as JSON.
        self.history: list[str] = []
        self.calls = 0

    def visit(self, numbers: range) -> list[StoredSpan]:
        """The spans of a trace with these turns."""
        self.trace = Trace(ABOUT, self.trace.now_ns + _HOUR, self.trace.number + 1)
        with self.trace.span("invoke_workflow visit", _VISITED):
            for number in numbers:
                self.turn(turn(number))
                self.trace.spend(20)
        return self.trace.spans

    def turn(self, told: Turn) -> None:
        """Somebody asks, and is answered."""
        self.say("user", told.question)
        question = self.history[-1]
        with self.trace.span("invoke_agent mechanic", _AGENT) as agent:
            if told.fails:
                self.fail()
            if told.calls:
                self.tools(told)
            self.answer(told.answer, "stop", **({s.OUTPUT_TYPE: "json"} if told.json else {}))
            agent |= {s.INPUT_MESSAGES: f"[{question}]", s.OUTPUT_MESSAGES: f"[{self.history[-1]}]"}

    def tools(self, told: Turn) -> None:
        """The model asks for tools, they run, and their results are said."""
        ids = [f"call_{len(self.history)}_{place}" for place in range(len(told.calls))]
        calls = [
            {"type": "tool_call", "name": name, "id": id, "arguments": arguments}
            for id, (name, arguments, _) in zip(ids, told.calls, strict=True)
        ]
        self.answer([*told.first, *calls], "tool_call")
        for id, (name, arguments, result) in zip(ids, told.calls, strict=True):
            ran = {
                s.OPERATION_NAME: s.EXECUTE_TOOL,
                s.TOOL_NAME: name,
                s.TOOL_TYPE: "function",
                s.TOOL_CALL_ID: id,
                s.TOOL_CALL_ARGUMENTS: _json(arguments),
                s.TOOL_CALL_RESULT: _json(result),
            }
            self.trace.did(f"execute_tool {name}", 0.05, ran)
            self.say("tool", [{"type": "tool_call_response", "id": id, "response": result}])

    def answer(self, parts: list[Part], reason: str, **more: Any) -> None:
        """The model is sent all that was said, and answers by these parts."""
        self.calls += 1
        asked = {**_ASKED, **more, s.INPUT_MESSAGES: self.sent()}
        self.say("assistant", parts, finish_reason=reason)
        told = {
            s.RESPONSE_ID: f"chatcmpl-{self.calls}",
            s.RESPONSE_MODEL: _MODEL.answers_as,
            s.RESPONSE_FINISH_REASONS: [reason],
            s.RESPONSE_TIME_TO_FIRST_CHUNK: 0.4,
            s.PROVIDER_REQUEST_ID: f"req_{self.calls}",
            s.OUTPUT_MESSAGES: f"[{self.history[-1]}]",
            **_spent(len(asked[s.INPUT_MESSAGES]) // 4, len(self.history[-1]) // 4),
        }
        self.trace.did(f"chat {_MODEL.name}", 2, {**asked, **told}, kind="CLIENT")

    def fail(self) -> None:
        """The model is asked, and the provider refuses."""
        error = failed(
            "openai.RateLimitError",
            _LIMITED,
            **_ASKED,
            **{
                s.INPUT_MESSAGES: self.sent(),
                s.HTTP_STATUS: 429,
                s.PROVIDER_ERROR_CODE: "rate_limit_exceeded",
                s.PROVIDER_REQUEST_ID: f"req_limited_{len(self.history)}",
            },
        )
        told = error.pop("attributes")
        self.trace.did(f"chat {_MODEL.name}", 0.2, told, kind="CLIENT", **error)

    def say(self, role: str, parts: list[Part], **more: Any) -> None:
        """One more message."""
        self.history.append(_json({"role": role, "parts": parts, **more}))

    def sent(self) -> str:
        """All messages so far."""
        return f"[{','.join(self.history)}]"


def _spent(read: int, wrote: int) -> dict[str, Any]:
    """Tokens and what they cost: all but the last thousand had been sent before."""
    assert _MODEL.prices is not None
    cached = max(read - 1000, 0) // 128 * 128
    input_price, output_price, cached_price = (price / 1e6 for price in _MODEL.prices)
    parts = {
        s.COST_INPUT: (read - cached) * input_price,
        s.COST_OUTPUT: wrote * output_price,
        s.COST_CACHE_READ: cached * cached_price,
    }
    tokens = {s.USAGE_INPUT: read, s.USAGE_OUTPUT: wrote, s.USAGE_CACHE_READ: cached}
    return {**tokens, s.COST: sum(parts.values()), s.COST_SOURCE: "prices", **parts}
