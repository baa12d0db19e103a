"""OpenAI's own tools: counted where they have a price, and no cost where they have none."""

from __future__ import annotations

from typing import Any

import pytest

from otelier.protocols.openai import responses
from tests.protocols.reading import streamed, whole

USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
SEARCH = {"type": "web_search_call", "status": "completed", "action": {"type": "search"}}
OPENED = {**SEARCH, "action": {"type": "open_page", "url": "https://a.example"}}
FOUND = {**SEARCH, "action": {"type": "find_in_page", "pattern": "a", "url": "https://a.example"}}
MANY = {**SEARCH, "action": {"type": "search", "queries": ["a", "b"]}}
HOSTED = {"type": "shell_call", "environment": {"type": "container_reference"}}
TEXT = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}


def _told(number: int) -> dict[str, Any]:
    none = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    return {"tool_usage": {"web_search": {"num_requests": number}, "image_gen": none}}


# what is used -> searches, whether there is no price
CASES: dict[str, tuple[list[Any], dict[str, Any], int | None, bool]] = {
    "nothing": ([TEXT], {}, None, False),
    "nothing, and it says so": ([TEXT], _told(0), None, False),
    "searches that are told": ([SEARCH, SEARCH, TEXT], _told(2), 2, False),
    "searches that are not told": ([SEARCH, SEARCH, TEXT], {}, 2, False),
    "no items, but told": ([TEXT], _told(3), 3, False),
    "more than the items": ([SEARCH], _told(2), 2, False),
    "several queries, told": ([MANY], _told(2), 2, False),
    "several queries, not told": ([MANY], {}, None, True),
    "some at a discount": ([SEARCH, SEARCH], _told(1), 1, True),
    "all at a discount": ([SEARCH], _told(0), None, True),
    "pages opened": ([SEARCH, OPENED, FOUND], {}, 1, False),
    "pages opened, told": ([SEARCH, OPENED, FOUND], _told(1), 1, False),
    "a search that failed": ([{**SEARCH, "status": "failed"}], {}, None, False),
    "without an action, as once": ([{"type": "web_search_call"}], {}, 1, False),
    "files": ([{"type": "file_search_call", "queries": ["a"]}], {}, None, False),
    "code": ([{"type": "code_interpreter_call", "code": "1"}], {}, None, True),
    "a program": ([{"type": "program", "code": "1"}], {}, None, True),
    "an image": ([{"type": "image_generation_call", "result": "aGk="}], {}, None, True),
    "a shell at OpenAI": ([HOSTED], {}, None, True),
    "a shell here": ([{"type": "shell_call", "environment": {"type": "local"}}], {}, None, False),
    "a computer here": ([{"type": "computer_call", "call_id": "c"}], {}, None, False),
    "a patch here": ([{"type": "apply_patch_call"}], {}, None, False),
    "functions": ([{"type": "function_call"}, {"type": "custom_tool_call"}], {}, None, False),
    "MCP": ([{"type": "mcp_list_tools"}, {"type": "mcp_call"}], {}, None, False),
    "tools looked for": ([{"type": "tool_search_call"}], {}, None, False),
    "what nobody knows yet": ([{"type": "teleport_call"}], {}, None, True),
}


def _response(model: str, items: list[Any], rest: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "r",
        "model": model,
        "status": "completed",
        "output": items,
        "usage": USAGE,
        **rest,
    }


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("items", "rest", "searches", "unpriced"), CASES.values(), ids=CASES)
def test_whole(
    items: list[Any], rest: dict[str, Any], searches: int | None, unpriced: bool, keep: bool
) -> None:
    reply = whole(responses.Reader, _response("gpt-5", items, rest), keep=keep)
    assert reply.usage is not None
    assert (reply.usage.web_searches, reply.unpriced) == (searches, unpriced)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize(("items", "rest", "searches", "unpriced"), CASES.values(), ids=CASES)
def test_stream(
    items: list[Any],
    rest: dict[str, Any],
    searches: int | None,
    unpriced: bool,
    repeated: bool,
    keep: bool,
) -> None:
    """Of the items, or of the last event, which may repeat them: never both."""
    done = [{"type": "response.output_item.done", "item": item} for item in items]
    last = _response("gpt-5", items if repeated else [], rest)
    events = [*done, {"type": "response.completed", "response": last}]
    reply = streamed(responses.Reader, events, keep=keep)
    assert reply.usage is not None
    assert (reply.usage.web_searches, reply.unpriced) == (searches, unpriced)


def test_file_searches_are_counted() -> None:
    searched = {"type": "file_search_call", "queries": ["a", "b"], "status": "completed"}
    reply = whole(responses.Reader, _response("gpt-5", [searched, searched], {}))
    assert reply.usage is not None and reply.usage.file_searches == 2


@pytest.mark.parametrize(
    ("model", "tool", "unpriced"),
    [
        ("gpt-5", "web_search", False),
        ("gpt-5", "web_search_preview", False),
        ("gpt-4.1", "web_search", False),
        ("gpt-4.1-2025-04-14", "web_search_preview_2025_03_11", True),
        ("gpt-4o", "web_search_preview", True),
        ("gpt-4.1-mini", "web_search_2025_08_26", True),
        ("gpt-5-mini", "web_search", False),
    ],
)
def test_a_search_that_is_dearer_than_the_list_says(model: str, tool: str, unpriced: bool) -> None:
    rest = {"tools": [{"type": "function"}, {"type": tool}], **_told(1)}
    reply = whole(responses.Reader, _response(model, [SEARCH], rest))
    assert reply.usage is not None and reply.usage.web_searches == 1
    assert reply.unpriced is unpriced


def test_tokens_of_the_image_tool_are_apart() -> None:
    used = {"image_gen": {"input_tokens": 7, "output_tokens": 300, "total_tokens": 307}}
    reply = whole(responses.Reader, _response("gpt-5", [TEXT], {"tool_usage": used}))
    assert reply.usage is not None
    assert (reply.usage.image_tool_input, reply.usage.image_tool_output) == (7, 300)
    assert (reply.usage.input, reply.usage.output) == (10, 5)
    assert reply.unpriced


def test_a_cache_that_keeps_for_longer() -> None:
    for tokens, unpriced in ((0, False), (20, True)):
        written = {"cache_write_tokens_details": {"ttl_12h_tokens": tokens, "ttl_30m_tokens": 5}}
        usage = {**USAGE, "input_tokens_details": written}
        reply = whole(responses.Reader, _response("gpt-6-luna", [TEXT], {"usage": usage}))
        assert reply.unpriced is unpriced
