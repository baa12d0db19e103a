"""Two runs that a page compares: what is the same in both, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otelier import semconv as s
from otelier.store.spans import StoredSpan
from tests.store.made import MOMENT, SECOND, message, span, written

FIRST, SECOND_RUN = f"{0xA:032x}", f"{0xB:032x}"
SYSTEM = (
    "You help people who repair bicycles.\nAnswer briefly.\nPrices are in euros.\n"
    "Never guess what is in stock.\nBe kind.\nSay where you looked.",
    "You help people who repair old bicycles.\nAnswer briefly.\nPrices are in euros.\n"
    "Never guess what is in stock.\nBe kind.\nUse tables.\nName a second choice.",
)
QUESTION = "Which chain fits a nine-speed cassette?"
ANSWERS = (
    "The KMC X9 fits: it has 114 links and costs 19.90 €.",
    "The Shimano HG53 fits: it has 116 links and costs 17.50 €.",
)
TOOLS = (
    [{"type": "function", "name": "stock", "parameters": {"part": "string"}},
     {"type": "function", "name": "find_part", "parameters": {"text": "string"}}],
    [{"type": "function", "name": "stock", "parameters": {"part": "string", "place": "string"}},
     {"type": "function", "name": "price", "parameters": {"part": "string"}},
     {"type": "function", "name": "find_part", "parameters": {"text": "string"}}],
)  # fmt: skip


def store(path: Path) -> Path:
    """Both runs, in a store."""
    return written(path, [*run(0), *run(1)])


def run(number: int) -> Iterator[StoredSpan]:
    """One run: a workflow, a chat, a tool, and in the second one more tool and another model."""
    trace = (FIRST, SECOND_RUN)[number]
    begin = MOMENT + number * 3600 * SECOND
    about: dict[str, Any] = {s.CONVERSATION_ID: f"c-{number}", s.TAGS: [("old", "new")[number]]}

    def made(place: int, name: str, seconds: float, above: int | None, **told: Any) -> StoredSpan:
        start = begin + place * SECOND
        return span(
            place,
            name,
            trace_id=trace,
            span_id=f"{number + 1:08x}{place:08x}",
            parent_id=None if above is None else f"{number + 1:08x}{above:08x}",
            start_ns=start,
            end_ns=start + round(seconds * SECOND),
            attributes={**about, **told.pop("attributes", {})},
            **told,
        )

    workflow = {s.OPERATION_NAME: s.INVOKE_WORKFLOW, s.WORKFLOW_NAME: "advise"}
    tool = {s.OPERATION_NAME: s.EXECUTE_TOOL}
    yield made(0, "invoke_workflow advise", 4 + number, None, attributes=workflow)
    name = f"chat {('small', 'large')[number]}"
    yield made(1, name, 1.5 + number, 0, attributes=_chat(number), kind="CLIENT")
    stock = {**tool, s.TOOL_NAME: "stock", s.TOOL_CALL_ARGUMENTS: json.dumps({"part": number})}
    yield made(2, "execute_tool stock", 0.2, 0, attributes=stock)
    if number:
        failed = {**tool, s.TOOL_NAME: "price", s.ERROR_TYPE: "KeyError"}
        more: dict[str, Any] = {"status": "ERROR", "status_message": "no such part"}
        yield made(3, "execute_tool price", 0.1, 0, attributes=failed, **more)


def _chat(number: int) -> dict[str, Any]:
    asked = [message("user", "Hello"), message("assistant", "How can I help?")]
    asked.append(message("user", QUESTION + (" And which is cheaper?" if number else "")))
    answer = [{**message("assistant", ANSWERS[number]), "finish_reason": "stop"}]
    told: dict[str, Any] = {
        s.OPERATION_NAME: s.CHAT,
        s.PROVIDER_NAME: "openai",
        s.REQUEST_MODEL: ("small", "large")[number],
        s.REQUEST_TEMPERATURE: (0.2, 0.9)[number],
        s.REQUEST_MAX_TOKENS: 500,
        s.PROMPT_NAME: "mechanic",
        s.PROMPT_VERSION: str(number + 1),
        s.SYSTEM_INSTRUCTIONS: json.dumps([{"type": "text", "content": SYSTEM[number]}]),
        s.TOOL_DEFINITIONS: json.dumps(TOOLS[number]),
        s.INPUT_MESSAGES: json.dumps(asked),
        s.OUTPUT_MESSAGES: json.dumps(answer),
        s.USAGE_INPUT: 100 + 50 * number,
        s.USAGE_OUTPUT: 20,
        s.RESPONSE_TIME_TO_FIRST_CHUNK: 0.25,
        s.RESPONSE_FINISH_REASONS: ["stop"],
    }
    # Nobody knows what the first one cost.
    return {**told, s.COST: 0.004} if number else told
