"""What an Anthropic message is billed by: usage, iterations of several models, tools, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from otelier import cost
from otelier.identity import Identity
from otelier.protocols import Reply
from otelier.protocols.anthropic import batches, messages
from otelier.usage import Usage
from tests.protocols.reading import streamed, whole

USAGES: dict[str, tuple[Any, Usage | None]] = {
    "nothing": (None, None),
    "plain": ({"input_tokens": 11, "output_tokens": 3}, Usage(input=11, output=3)),
    "caches are added": (
        {
            "input_tokens": 11,
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 2,
            "output_tokens": 3,
        },
        Usage(input=17, output=3, cache_read=4, cache_write=2),
    ),
    "cache TTLs": (
        {
            "input_tokens": 11,
            "cache_creation_input_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 3,
        },
        Usage(input=16, output=3, cache_write=5, cache_write_5m=3, cache_write_1h=2),
    ),
    "only the TTLs": (
        {
            "input_tokens": 11,
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 3,
        },
        Usage(input=16, output=3, cache_write=5, cache_write_5m=3, cache_write_1h=2),
    ),
    "nulls": (
        {
            "input_tokens": 11,
            "cache_read_input_tokens": None,
            "cache_creation_input_tokens": None,
            "cache_creation": None,
            "output_tokens": 3,
            "server_tool_use": None,
        },
        Usage(input=11, output=3),
    ),
    "thinking and searches": (
        {
            "input_tokens": 11,
            "output_tokens": 30,
            "output_tokens_details": {"thinking_tokens": 20},
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        },
        Usage(input=11, output=30, reasoning=20, web_searches=2),
    ),
}


@pytest.mark.parametrize(("raw", "wanted"), USAGES.values(), ids=USAGES)
def test_usage(raw: Any, wanted: Usage | None) -> None:
    assert whole(messages.Reader, {"usage": raw}).usage == wanted


SONNET, OPUS, FABLE = "claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5"
COMPACTION = {"type": "compaction", "input_tokens": 55_000, "output_tokens": 196}
ADVICE = {
    "type": "advisor_message",
    "model": OPUS,
    "input_tokens": 823,
    "cache_read_input_tokens": 100,
    "output_tokens": 1612,
}
TEXT = {"type": "text", "text": "Hi"}


def _turn(input: int, output: int, **more: Any) -> dict[str, Any]:
    return {"type": "message", "input_tokens": input, "output_tokens": output, **more}


def _fell(category: str | None) -> dict[str, Any]:
    trigger = {"type": "refusal", "category": category}
    hop = {"from": {"model": FABLE}, "to": {"model": OPUS}, "trigger": trigger}
    return {"type": "fallback", **hop}


def _served(output: int = 264) -> dict[str, Any]:
    return {**_turn(412, output, model=OPUS), "type": "fallback_message"}


def _declined(output: int) -> dict[str, Any]:
    return _turn(535, output, model=FABLE)


ASKED = _turn(412, 264)
# Iterations, blocks, and what is billed: input, output, and (model, input, output) of the parts.
BILLS: dict[str, tuple[Any, Any, tuple[int, int], Any]] = {
    "null": (None, [TEXT], (412, 264), []),
    "one": ([ASKED], [TEXT], (412, 264), []),
    "the tool loop of a server": (
        [_turn(200, 64), _turn(212, 200)],
        [TEXT],
        (412, 264),
        [(None, 200, 64), (None, 212, 200)],
    ),
    "compaction": (
        [COMPACTION, ASKED],
        [TEXT],
        (55_412, 460),
        [(None, 55_000, 196), (None, 412, 264)],
    ),
    "compaction alone": (
        [COMPACTION],
        [TEXT],
        (55_412, 460),
        [(None, 55_000, 196), (None, 412, 264)],
    ),
    # The top-level input is the first sampling's only.
    "advisor": (
        [_turn(412, 89), ADVICE, _turn(1348, 175)],
        [TEXT, {"type": "server_tool_use", "name": "advisor"}],
        (412 + 923 + 1348, 264 + 1612),
        [(None, 412, 89), (OPUS, 923, 1612), (None, 1348, 175)],
    ),
    "fallback, free": (
        [_declined(0), _served()],
        [_fell("cyber"), TEXT],
        (412, 264),
        [(OPUS, 412, 264)],
    ),
    "fallback, without a category": (
        [_declined(0), _served()],
        [_fell(None), TEXT],
        (412, 264),
        [(OPUS, 412, 264)],
    ),
    "fallback, billed for its category": (
        [_declined(0), _served()],
        [_fell("bio"), TEXT],
        (947, 264),
        [(FABLE, 535, 0), (OPUS, 412, 264)],
    ),
    "fallback, billed for its output": (
        [_declined(40), _served()],
        [_fell("cyber"), TEXT],
        (947, 304),
        [(FABLE, 535, 40), (OPUS, 412, 264)],
    ),
    "served by the fallback at once": ([_served()], [TEXT], (412, 264), [(OPUS, 412, 264)]),
}


def _body(iterations: Any, blocks: Any, **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 412, "output_tokens": 264, "iterations": iterations, **more}
    return {"model": SONNET, "content": blocks, "stop_reason": "end_turn", "usage": usage}


def _events(body: dict[str, Any]) -> list[dict[str, Any]]:
    start = {**body, "content": [], "stop_reason": None, "usage": {"input_tokens": 412}}
    ended = {name: body.get(name) for name in ("stop_reason", "stop_details", "container")}
    return [
        {"type": "message_start", "message": start},
        *(
            {"type": "content_block_start", "index": index, "content_block": block}
            for index, block in enumerate(body["content"])
        ),
        {"type": "message_delta", "delta": ended, "usage": body["usage"]},
    ]


def _read(body: dict[str, Any]) -> list[Reply]:
    """The body read whole, as a stream, and both without content."""
    return [
        reply
        for keep in (True, False)
        for reply in (
            whole(messages.Reader, body, keep=keep),
            streamed(messages.Reader, _events(body), keep=keep),
        )
    ]


def _parts(reply: Reply) -> list[Any]:
    return [(part.model, part.usage.input, part.usage.output) for part in reply.parts if part.usage]


@pytest.mark.parametrize(("iterations", "blocks", "counts", "parts"), BILLS.values(), ids=BILLS)
def test_all_that_is_billed(
    iterations: Any, blocks: Any, counts: tuple[int, int], parts: list[Any]
) -> None:
    for reply in _read(_body(iterations, blocks)):
        assert reply.usage is not None
        assert (reply.usage.input, reply.usage.output) == counts
        assert _parts(reply) == parts
        assert not reply.unpriced


def test_whoever_served_is_the_model() -> None:
    for reply in _read(_body([_declined(40), _served()], [_fell("cyber"), TEXT])):
        assert reply.model == OPUS
    early = streamed(messages.Reader, _events(_body(None, [TEXT, _fell("cyber")]))[:-1])
    assert early.model == OPUS and early.unpriced


UNKNOWN: dict[str, Any] = {
    "iterations that are not all": _body([_turn(400, 264)], [TEXT]),
    "an iteration of a new kind": _body([ASKED, {**ASKED, "type": "planner"}], [TEXT]),
    "an iteration without counts": _body([ASKED, {"type": "compaction"}], [TEXT]),
    "an advisor without a model": _body([ASKED, {**ADVICE, "model": None}], [TEXT]),
    "an advisor that is not counted": _body(
        None, [{"type": "server_tool_use", "name": "advisor"}, TEXT]
    ),
    "a compaction that is not counted": _body([ASKED], [{"type": "compaction", "content": "S"}]),
    "a fallback that is not counted": _body(None, [_fell("cyber"), TEXT]),
    "a fast executor and an advisor": _body([ASKED, ADVICE], [TEXT], speed="fast"),
    "priority for one of two models": _body([ASKED, ADVICE], [TEXT], service_tier="priority"),
    "code that ran": _body(None, [{"type": "server_tool_use", "name": "bash_code_execution"}]),
    "refused before any output": {
        **_body(None, []),
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber"},
        "usage": {"input_tokens": 106, "output_tokens": 1},
    },
}


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN)
def test_no_cost_where_a_part_is_not_known(body: dict[str, Any]) -> None:
    for reply in _read(body):
        assert reply.unpriced and not reply.parts
        assert reply.usage is not None and (reply.usage.input or 0) >= 106


BILLED: dict[str, Any] = {
    "a refusal in a billed category": {
        **_body(None, []),
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "bio"},
        "usage": {"input_tokens": 106, "output_tokens": 0},
    },
    "a refusal after some output": {
        **_body(None, [TEXT]),
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber"},
    },
    "code for a search": _body(
        None,
        [
            {"type": "server_tool_use", "name": "code_execution"},
            {
                "type": "server_tool_use",
                "name": "web_search",
                "caller": {"type": "code_execution_20260120"},
            },
        ],
    ),
    "pages that were fetched": _body(None, [TEXT], server_tool_use={"web_fetch_requests": 3}),
}


@pytest.mark.parametrize("body", BILLED.values(), ids=BILLED)
def test_what_is_billed_by_its_tokens(body: dict[str, Any]) -> None:
    for reply in _read(body):
        assert not reply.unpriced


def test_what_is_said_beside_the_counts() -> None:
    body = {
        **_body([COMPACTION, ASKED], [], fallback_credit={"status": {"type": "redeemed"}}),
        "stop_reason": "refusal",
        "stop_details": {"category": "bio", "recommended_model": OPUS},
        "diagnostics": {"cache_miss_reason": {"type": "tools_changed"}},
        "container": {"id": "container_1"},
    }
    for reply in _read(body):
        assert reply.attributes["gen_ai.conversation.compacted"] is True
        for name, value in {
            "iterations": ["compaction", "message"],
            "fallback_credit": "redeemed",
            "refusal.category": "bio",
            "refusal.recommended_model": OPUS,
            "cache_miss_reason": "tools_changed",
            "container.id": "container_1",
        }.items():
            assert reply.attributes["otelier.provider." + name] == value


ANTHROPIC = Identity("anthropic", "api.anthropic.com", None, "https://api.anthropic.com")


def _price(reply: Reply) -> float | None:
    priced = cost.Prices().price_sum(ANTHROPIC, reply.model, SONNET, reply.parts)
    return None if priced is None else priced.total


def test_each_part_at_its_own_price() -> None:
    searched = {"server_tool_use": {"web_search_requests": 2}}
    body = _body([_turn(412, 89), ADVICE, COMPACTION, _turn(1348, 175)], [TEXT], **searched)
    # USD per million: 3 and 15, the advisor 5, 25 and 0.5 for what was cached; 10 for 1000
    # searches.
    expected = (412 + 1348 + 55_000) * 3 + (89 + 175 + 196) * 15
    expected += 823 * 5 + 100 * 0.5 + 1612 * 25 + 2 * 10_000
    for reply in _read(body):
        assert _price(reply) == pytest.approx(expected / 1e6)


def test_a_part_without_a_price_leaves_no_cost() -> None:
    advice = {**ADVICE, "model": "claude-unheard-of"}
    for reply in _read(_body([ASKED, advice], [TEXT])):
        assert len(reply.parts) == 2 and _price(reply) is None


def _results(*bodies: dict[str, Any]) -> Reply:
    lines = [{"result": {"type": "succeeded", "message": body}} for body in bodies]
    return streamed(batches.Reader, lines)


def test_a_batch_of_messages_with_parts() -> None:
    plain = _body(None, [TEXT])
    reply = _results(_body([COMPACTION, ASKED], [TEXT]), plain, _body([ASKED, ADVICE], [TEXT]))
    assert reply.usage is not None
    assert reply.usage.input == 55_000 + 3 * 412 + 923
    assert reply.usage.output == 196 + 3 * 264 + 1612
    expected = (55_000 + 3 * 412) * 1.5 + (196 + 3 * 264) * 7.5
    expected += 823 * 2.5 + 100 * 0.25 + 1612 * 12.5
    assert _price(reply) == pytest.approx(expected / 1e6)
    # One that has no cost leaves the sum without one.
    ran = _body(None, [{"type": "server_tool_use", "name": "code_execution"}])
    assert _price(_results(plain)) is not None
    assert _price(_results(plain, ran)) is None
