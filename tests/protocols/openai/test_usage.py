"""Usage and cost in OpenAI's dialects, as each provider documents them."""

from __future__ import annotations

from typing import Any

import pytest

from otelier import semconv, usage
from otelier.protocols import Cost
from otelier.protocols.openai import usage as openai_usage
from otelier.protocols.openai.chat import Reader
from otelier.usage import Usage
from tests.protocols.reading import streamed, whole

TOTALS: dict[str, Any] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
NEW_TOTALS: dict[str, Any] = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}

USAGES: dict[str, tuple[Any, Usage | None]] = {
    "nothing": (None, None),
    "empty": ({}, None),
    "no numbers": ({"prompt_tokens": None, "completion_tokens": "3"}, None),
    "negative": ({"prompt_tokens": -1, "completion_tokens": 20}, Usage(output=20)),
    "booleans": ({"prompt_tokens": True, "completion_tokens": 20}, Usage(output=20)),
    "whole floats": ({"prompt_tokens": 100.0, "completion_tokens": 20.5}, Usage(input=100)),
    "too large": ({"prompt_tokens": 10**30, "completion_tokens": 20}, Usage(output=20)),
    "zero is a fact": ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(input=0, output=0)),
    "chat": (TOTALS, Usage(input=100, output=20)),
    "responses": (NEW_TOTALS, Usage(input=100, output=20)),
    "Writer": (
        {**TOTALS, "prompt_token_details": {"cached_tokens": 40}},
        Usage(input=100, output=20, cache_read=40),
    ),
    "details are null": (
        {**TOTALS, "prompt_tokens_details": None, "completion_tokens_details": None},
        Usage(input=100, output=20),
    ),
    "details": (
        {
            **TOTALS,
            "prompt_tokens_details": {
                "cached_tokens": 40,
                "cache_write_tokens": 5,
                "audio_tokens": 10,
                "image_tokens": 30,
                "text_tokens": 60,
                "cached_tokens_details": {"text_tokens": 40, "audio_tokens": 0},
            },
            "completion_tokens_details": {
                "reasoning_tokens": 8,
                "audio_tokens": 2,
                "text_tokens": 18,
            },
        },
        Usage(
            input=100,
            output=20,
            reasoning=8,
            cache_read=40,
            cache_write=5,
            text_input=60,
            image_input=30,
            audio_input=10,
            text_output=18,
            audio_output=2,
            text_cache_read=40,
            audio_cache_read=0,
        ),
    ),
    "DeepSeek": (
        {**TOTALS, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
        Usage(input=100, output=20, cache_read=64),
    ),
    "Moonshot": ({**TOTALS, "cached_tokens": 64}, Usage(input=100, output=20, cache_read=64)),
    "Mistral": ({**TOTALS, "num_cached_tokens": 64}, Usage(input=100, output=20, cache_read=64)),
    "details win": (
        {**TOTALS, "prompt_tokens_details": {"cached_tokens": 1}, "cached_tokens": 64},
        Usage(input=100, output=20, cache_read=1),
    ),
    "LiteLLM for Anthropic": (
        {**TOTALS, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 30},
        Usage(input=100, output=20, cache_read=60, cache_write=30),
    ),
    "xAI leaves reasoning out of completion_tokens": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 170,
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        Usage(input=100, output=70, reasoning=50),
    ),
    "OpenAI does not": (
        {**TOTALS, "completion_tokens_details": {"reasoning_tokens": 8}},
        Usage(input=100, output=20, reasoning=8),
    ),
    "reasoning, no total": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        Usage(input=100, output=20, reasoning=50),
    ),
    "Perplexity": (
        {**TOTALS, "reasoning_tokens": 5, "num_search_queries": 2, "citation_tokens": 3},
        Usage(input=100, output=20, reasoning=5, web_searches=2),
    ),
    "image": (
        {**NEW_TOTALS, "input_tokens_details": {"text_tokens": 10, "image_tokens": 90}},
        Usage(input=100, output=20, text_input=10, image_input=90),
    ),
    "transcription by tokens": (
        {
            "type": "tokens",
            **NEW_TOTALS,
            "input_token_details": {"text_tokens": 0, "audio_tokens": 100},
        },
        Usage(input=100, output=20, text_input=0, audio_input=100),
    ),
    "transcription by time": ({"type": "duration", "seconds": 3}, Usage(audio_seconds=3.0)),
    "embeddings": ({"prompt_tokens": 8, "total_tokens": 8}, Usage(input=8)),
}

COSTS: dict[str, tuple[Any, Cost | None]] = {
    "nothing": (None, None),
    "OpenAI tells none": (TOTALS, None),
    "OpenRouter": ({**TOTALS, "cost": 0.0015, "is_byok": False}, Cost(0.0015)),
    "OpenRouter is free": ({**TOTALS, "cost": 0}, Cost(0.0)),
    "OpenRouter with parts": (
        {
            **TOTALS,
            "cost": 0.003,
            "cost_details": {
                "upstream_inference_cost": None,
                "upstream_inference_prompt_cost": 0.001,
                "upstream_inference_completions_cost": 0.002,
            },
        },
        Cost(0.003, 0.001, 0.002),
    ),
    "OpenRouter, parts of something else": (
        {
            **TOTALS,
            "cost": 0.003,
            "cost_details": {
                "upstream_inference_prompt_cost": 0.01,
                "upstream_inference_completions_cost": 0.02,
            },
        },
        Cost(0.003),
    ),
    "OpenRouter with the user's own key: its fee and the upstream bill": (
        {
            **TOTALS,
            "cost": 0.0001,
            "is_byok": True,
            "cost_details": {"upstream_inference_cost": 0.002},
        },
        Cost(0.0021),
    ),
    "OpenRouter with the user's own key, bill unknown": (
        {**TOTALS, "cost": 0.0001, "is_byok": True, "cost_details": None},
        None,
    ),
    "xAI: 1 tick is 1e-10 USD": ({**TOTALS, "cost_in_usd_ticks": 12_345_000}, Cost(0.0012345)),
    "Perplexity": (
        {
            **TOTALS,
            "cost": {
                "input_tokens_cost": 0.0001,
                "output_tokens_cost": 0.0002,
                "request_cost": 0.005,
                "total_cost": 0.0053,
            },
        },
        Cost(0.0053, 0.0001, 0.0002),
    ),
    "an object without a total": ({**TOTALS, "cost": {"input_tokens_cost": 1}}, None),
    "no number": ({**TOTALS, "cost": "0.1", "cost_in_usd_ticks": True}, None),
    "not finite": ({**TOTALS, "cost": float("inf")}, None),
}


@pytest.mark.parametrize(("raw", "wanted"), USAGES.values(), ids=USAGES)
def test_usage(raw: Any, wanted: Usage | None) -> None:
    assert openai_usage.usage(raw) == wanted


@pytest.mark.parametrize(("raw", "wanted"), COSTS.values(), ids=COSTS)
def test_cost(raw: Any, wanted: Cost | None) -> None:
    found = openai_usage.cost(raw)
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert found.total == pytest.approx(wanted.total)
        assert (found.input, found.output) == (wanted.input, wanted.output)


# --- where a stream tells it ------------------------------------------------------------------

_TEXT: dict[str, Any] = {
    "id": "c",
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "Hi"}}],
}
_STOP: dict[str, Any] = {
    "id": "c",
    "model": "m",
    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
}
_SAID = Usage(input=100, output=20)

STREAMS: dict[str, tuple[list[Any], Usage | None]] = {
    "never": ([_TEXT, _STOP], None),
    "on a chunk with empty choices": (
        [_TEXT, _STOP, {**_STOP, "choices": [], "usage": TOTALS}],
        _SAID,
    ),
    "on a chunk with null choices": ([_TEXT, {**_STOP, "choices": None, "usage": TOTALS}], _SAID),
    "on a chunk without choices": ([_TEXT, _STOP, {"usage": TOTALS}], _SAID),
    "on the last chunk": ([_TEXT, {**_STOP, "usage": TOTALS}], _SAID),
    "on every chunk, the last counts": (
        [{**_TEXT, "usage": {**TOTALS, "completion_tokens": 1}}, {**_STOP, "usage": TOTALS}],
        _SAID,
    ),
    "null after the fact": ([{**_TEXT, "usage": TOTALS}, {**_STOP, "usage": None}], _SAID),
    "inside of a choice (Moonshot)": (
        [_TEXT, {**_STOP, "choices": [{**_STOP["choices"][0], "usage": TOTALS}]}],
        _SAID,
    ),
    "in x_groq": ([_TEXT, {**_STOP, "x_groq": {"id": "req_1", "usage": TOTALS}}], _SAID),
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("chunks", "wanted"), STREAMS.values(), ids=STREAMS)
def test_usage_in_streams(chunks: list[Any], wanted: Usage | None, keep: bool) -> None:
    reply = streamed(Reader, chunks, keep=keep)
    assert reply.usage == wanted
    assert reply.finish_reasons == ["stop" if len(chunks) > 1 and _ends(chunks) else None]


def _ends(chunks: list[Any]) -> bool:
    return any(c.get("finish_reason") for chunk in chunks for c in chunk.get("choices") or ())


def test_groq_request_id() -> None:
    body = {**_STOP, "x_groq": {"id": "req_1"}, "choices": []}
    for reply in (whole(Reader, body), streamed(Reader, [_TEXT, body])):
        assert reply.attributes[semconv.PROVIDER_REQUEST_ID] == "req_1"


# --- on spans ---------------------------------------------------------------------------------


def test_put_leaves_out_parts_of_zero_but_no_totals() -> None:
    found: dict[str, Any] = {}
    usage.put(Usage(input=0, output=0, cache_read=0, reasoning=0), found, semconv.COMPAT)
    assert found == {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}


@pytest.mark.parametrize(
    ("generation", "names"),
    [
        (semconv.COMPAT, {"cache_write", "cache_creation"}),
        (semconv.DUPLICATE, {"cache_write", "cache_creation"}),
        (semconv.LATEST, {"cache_write"}),
    ],
)
def test_put_cache_writes(generation: semconv.Generation, names: set[str]) -> None:
    found: dict[str, Any] = {}
    usage.put(Usage(cache_write=3), found, generation)
    assert found == {f"gen_ai.usage.{name}.input_tokens": 3 for name in names}


def test_worked_example_of_the_conventions() -> None:
    """100 text tokens, 40 of them cached, and 200 image tokens."""
    raw = {
        "input_tokens": 300,
        "output_tokens": 5,
        "input_tokens_details": {
            "text_tokens": 100,
            "image_tokens": 200,
            "cached_tokens": 40,
            "cached_tokens_details": {"text_tokens": 40},
        },
    }
    counted = openai_usage.usage(raw)
    assert counted is not None
    found: dict[str, Any] = {}
    usage.put(counted, found, semconv.LATEST)
    assert found == {
        "gen_ai.usage.input_tokens": 300,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.text.input_tokens": 100,
        "gen_ai.usage.text.cache_read.input_tokens": 40,
        "gen_ai.usage.image.input_tokens": 200,
    }


@pytest.mark.parametrize(
    ("total", "parts", "wanted"),
    [
        (None, (("text", 3),), []),
        (0, (("text", 0),), []),
        (5, (("text", None), ("audio", None)), [("unknown", 5)]),
        (5, (("text", 3), ("audio", 2)), [("text", 3), ("audio", 2)]),
        (5, (("text", 5), ("audio", 0)), [("text", 5)]),
        (5, (("text", 3), ("audio", None)), [("unknown", 5)]),
        (5, (("text", 4), ("audio", 3)), [("unknown", 5)]),
    ],
)
def test_split(total: int | None, parts: Any, wanted: list[tuple[str, int]]) -> None:
    assert usage.split(total, parts) == wanted


@pytest.mark.parametrize(
    ("told", "usd"),
    [
        ({"cost": "0.00001155", "marketCost": "0.00001155"}, 0.00001155),
        ({"cost": "0", "marketCost": "0"}, 0.0),
        # By the user's own key, or free credit: what it came to is not told.
        ({"cost": "0", "marketCost": "0.0001"}, None),
        ({"cost": "-1"}, None),
        ({"cost": "nan"}, None),
        ({"cost": "1e400"}, None),
        ({"cost": 1}, None),
        ({"cost": ""}, None),
        (None, None),
    ],
)
def test_vercels_amounts(told: Any, usd: float | None) -> None:
    cost, behind = openai_usage.gateway({"gateway": told})
    assert (cost.total if cost is not None else None) == usd
    assert behind is None


def test_the_users_own_key_without_its_bill_has_no_listed_price_either() -> None:
    raw = {**TOTALS, "cost": 0.0001, "is_byok": True, "cost_details": None}
    assert not openai_usage.explain(raw, openai_usage.usage(raw), "openai/gpt-4o")
