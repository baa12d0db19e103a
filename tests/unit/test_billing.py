"""When a listed price holds, and what gateways tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from otelier import gateways
from otelier.background import account
from otelier.billing import answered, covered
from otelier.cost import Prices
from otelier.identity import Identity, identify, known_headers
from otelier.prices.listing import Entry
from otelier.protocols import Cost, Reply, Route, no_content
from otelier.protocols.openai import chat as openai_chat
from otelier.usage import Usage

OPENAI = Identity("openai", "api.openai.com", 443, "https://api.openai.com/v1")


def cost(
    provider: str, model: str | None, asked: str | None = None, **context: str
) -> float | None:
    reply = Reply(usage=Usage(input=1000, output=100), pricing=context)
    found = Prices().price(Identity(provider, None, None, ""), model, asked, reply)
    return None if found is None else found.total


@pytest.mark.parametrize(
    ("provider", "model", "context"),
    [
        ("openai", "gpt-3.5-turbo", {"service_tier": "priority"}),
        ("openai", "gpt-4o", {"service_tier": "scale"}),
        ("anthropic", "claude-sonnet-4-5", {"service_tier": "priority"}),
        ("anthropic", "claude-sonnet-4-5", {"inference_geo": "us"}),
        ("groq", "llama-3.3-70b-versatile", {"service_tier": "performance"}),
        ("aws.bedrock", "amazon.nova-pro-v1:0", {"latency": "optimized"}),
        ("x_ai", "grok-4", {"service_tier": "priority"}),
    ],
)
def test_tiers_without_a_listed_price_have_no_cost(
    provider: str, model: str, context: dict[str, str]
) -> None:
    assert cost(provider, model, model) is not None
    assert cost(provider, model, model, **context) is None


@pytest.mark.parametrize(
    ("provider", "model", "context"),
    [
        ("openai", "gpt-4o", {"service_tier": "default"}),
        ("openai", "gpt-4o", {"service_tier": "auto"}),
        ("groq", "llama-3.3-70b-versatile", {"service_tier": "on_demand"}),
        (
            "anthropic",
            "claude-sonnet-4-5",
            {"service_tier": "standard", "inference_geo": "global", "speed": "standard"},
        ),
    ],
)
def test_values_that_mean_the_listed_price(
    provider: str, model: str, context: dict[str, str]
) -> None:
    assert cost(provider, model, **context) == cost(provider, model) is not None


def test_a_batch_is_priced_by_its_own_price() -> None:
    listed = cost("anthropic", "claude-sonnet-4-5")
    batch = cost("anthropic", "claude-sonnet-4-5", service_tier="batch", processing="batch")
    assert listed is not None
    assert batch == pytest.approx(listed / 2)


@pytest.mark.parametrize("provider", ["azure.ai.openai", "azure.ai.inference"])
def test_azure_deployments_are_no_models(provider: str) -> None:
    assert cost(provider, "gpt-4o", "anything") is not None
    assert cost(provider, None, "gpt-4o") is None


@pytest.mark.parametrize(
    ("model", "context"),
    [
        ("gpt-4.1", {"processing": "batch"}),
        ("o3-mini", {"processing": "batch"}),
    ],
)
def test_a_tier_that_has_no_price_of_cached_input(model: str, context: dict[str, str]) -> None:
    """OpenAI's table of batches has none; the library goes on with the standard one."""
    read = Reply(usage=Usage(input=1000, output=100, cache_read=500))
    assert Prices().price(OPENAI, model, None, read) is not None
    assert cost("openai", model, **context) is not None
    read.pricing = context
    assert Prices().price(OPENAI, model, None, read) is None


def test_cached_input_that_stays_at_the_standard_price() -> None:
    """Of Gemini's batches the page says so."""
    who = Identity("gcp.gemini", None, None, "")
    reply = Reply(
        usage=Usage(input=1000, output=100, cache_read=1000), pricing={"processing": "batch"}
    )
    found = Prices().price(who, "gemini-2.5-pro", None, reply)
    assert found is not None
    assert found.cache_read == pytest.approx(1000 * 0.125e-6)
    assert found.output == pytest.approx(100 * 5e-6)


def test_a_price_that_is_only_announced_covers_nothing_yet() -> None:
    prices = [[None, {"input_mtok": 1.0, "output_mtok": 2.0}]]
    dearer = [{"service_tier": "priority"}, ["from", "2026-12-01"], {"input_mtok": 2.0}]
    entry = Entry("openai", False, "m", prices, [dearer])
    before, after = (datetime(2026, month, 15, tzinfo=UTC) for month in (11, 12))
    assert not covered({"service_tier": "priority"}, entry.whens(before))
    assert covered({"service_tier": "priority"}, entry.whens(after))


@pytest.mark.parametrize(
    ("size", "fee"), [(None, None), ("low", None), ("medium", None), ("high", 0.012)]
)
def test_the_fee_of_a_request_is_that_of_the_largest_search(
    size: str | None, fee: float | None
) -> None:
    """Perplexity bills by the context of a search; the list has the highest fee alone."""
    spent = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    reader = openai_chat.Reader(False)
    told = {} if size is None else {"search_context_size": size}
    reader.whole({"model": "sonar", "choices": [], "usage": {**spent, **told}})
    who = Identity("perplexity", None, None, "")
    found = Prices().price(who, None, "sonar", reader.reply(True))
    assert (found and found.total) == (fee and pytest.approx(1000e-6 + 100e-6 + fee))


def test_file_searches_have_a_listed_fee() -> None:
    def total(usage: Usage, who: Identity = OPENAI, name: str = "gpt-5") -> float | None:
        found = Prices().price(who, name, None, Reply(usage=usage))
        return None if found is None else found.total

    tokens = total(Usage(input=1000, output=100))
    assert tokens is not None
    searched = Usage(input=1000, output=100, file_searches=2, web_searches=1)
    assert total(searched) == pytest.approx(tokens + 2 * 0.0025 + 0.01)
    # Where no fee is listed, there is no cost: with text alone, and where units are told apart.
    for provider, name in (("x_ai", "grok-4"), ("openai", "gpt-audio"), ("openai", "o1")):
        who = Identity(provider, None, None, "")
        assert total(Usage(input=10, output=1, text_input=10, text_output=1), who, name), name
        assert (
            total(
                Usage(input=10, output=1, text_input=10, text_output=1, file_searches=1), who, name
            )
            is None
        )


def test_images_beside_text_have_no_price_until_they_are_told_apart() -> None:
    who = Identity("gcp.gemini", None, None, "")
    told = Usage(input=10, output=1300, image_output=1290, text_output=10)
    untold = Usage(input=10, output=1300)
    name = "gemini-2.5-flash-image"
    assert Prices().price(who, name, None, Reply(usage=told)) is not None
    assert Prices().price(who, name, None, Reply(usage=untold)) is None


def test_pictures_that_are_read_have_no_price_until_they_are_told_apart() -> None:
    told = Usage(input=300, output=1000, image_input=290, text_input=10)
    untold = Usage(input=300, output=1000)
    for name in ("gpt-image-1", "gpt-image-2"):
        found = Prices().price(OPENAI, name, None, Reply(usage=told))
        assert found is not None and found.total > 0
        assert Prices().price(OPENAI, name, None, Reply(usage=untold)) is None


@pytest.mark.parametrize(
    ("body", "told", "absent"),
    [
        ({"service_tier": "priority"}, {}, True),
        ({"service_tier": "priority"}, {"service_tier": "default"}, False),
        ({"service_tier": "auto"}, {}, False),
        ({"service_tier": None}, {}, False),
        ({"serviceTier": {"type": "priority"}}, {}, True),
        ({"serviceTier": {"type": "default"}}, {}, False),
        ({"serviceTier": "SERVICE_TIER"}, {}, True),
        ({"serviceTier": "STANDARD"}, {}, False),
        ({"speed": "fast"}, {}, True),
        ({"speed": 1.25, "inference_geo": ["us"]}, {}, False),
        ({"inference_geo": "us"}, {"speed": "standard"}, True),
    ],
)
def test_a_tier_that_was_asked_for_and_is_not_told(
    body: Any, told: dict[str, str], absent: bool
) -> None:
    reply = Reply(usage=Usage(input=10, output=10), pricing=told)
    account(
        Route("chat", lambda _: {}, no_content, openai_chat.Reader), {}, body, OPENAI, reply, False
    )
    assert reply.unpriced is absent


def test_what_is_only_assumed_has_no_listed_price() -> None:
    local = identify("http://localhost:8000/v1", None, {}, assumed="openai")
    reply = Reply(usage=Usage(input=10, output=10))
    assert Prices().price(OPENAI, "gpt-4o", None, reply) is not None
    assert Prices().price(local, "gpt-4o", None, reply) is None


@pytest.mark.parametrize(
    ("value", "usd"),
    [
        ("0.00231", 0.00231),
        (" 1e-05 ", 1e-05),
        ("0.0", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("None", None),
        ("", None),
    ],
)
def test_a_cost_in_a_header(value: str, usd: float | None) -> None:
    sent = known_headers({"X-LiteLLM-Response-Cost": value})
    assert gateways.told(sent, False) == (usd, False)
    # Headers come before a stream has a cost.
    assert gateways.told(sent, True) == (None, False)
    assert gateways.told(known_headers({"x-litellm-key-spend": "12"}), False) == (None, False)


@pytest.mark.parametrize(
    ("name", "value", "cached"),
    [
        ("cf-aig-cache-status", "HIT", True),
        ("x-portkey-cache-status", "SEMANTIC HIT", True),
        ("helicone-cache", "HIT", True),
        ("helicone-cache", "MISS", False),
        ("x-cache-status", "Hit", True),
        ("x-cache-status", "Miss", False),
        ("x-ai-cache-status", "HIT-L2", True),
        ("x-ai-cache-status", "BYPASS", False),
        ("x-litellm-cache-key", "f3f3c1bf", True),
        ("x-litellm-cache-key", "", False),
        ("x-portkey-cache-status", "DISABLED", False),
    ],
)
def test_what_a_gateways_cache_answers_has_no_price(name: str, value: str, cached: bool) -> None:
    reply = Reply(usage=Usage(input=10, output=10))
    answered(reply, {name: value}, OPENAI, True, False)
    assert reply.unpriced is cached


def test_a_cached_answer_has_not_the_cost_of_the_one_that_filled_the_cache() -> None:
    told = {"x-litellm-response-cost": "0.002", "x-litellm-cache-key": "f3f3c1bf"}
    assert gateways.told(told, False) == (None, True)


def test_a_cached_body_has_not_the_cost_of_the_one_that_filled_the_cache() -> None:
    bought = Reply(usage=Usage(input=10, output=10), cost=Cost(0.002))
    bought.parts = [Reply(model="gpt-4o", usage=Usage(input=10, output=10))]
    answered(bought, {"cf-aig-cache-status": "HIT"}, OPENAI, True, False)
    assert bought.cost is None
    assert not bought.parts


def test_a_gateways_cost_is_that_of_all_parts() -> None:
    reply = Reply(parts=[Reply(model="gpt-4o", usage=Usage(input=10, output=10))])
    answered(reply, {"x-litellm-response-cost": "2"}, OPENAI, True, False)
    assert reply.cost == Cost(2.0, source="gateway")
    assert not reply.parts


def test_the_body_wins_over_the_header() -> None:
    reply = Reply(cost=Cost(1.0))
    answered(reply, {"x-litellm-response-cost": "2"}, OPENAI, True, False)
    assert reply.cost == Cost(1.0)


@pytest.mark.parametrize(("streamed", "partial"), [(True, True), (False, False)])
def test_a_stream_that_tells_an_error_is_a_part(streamed: bool, partial: bool) -> None:
    """Not every SDK raises it, and plain HTTP does not."""
    reply = Reply(usage=Usage(input=10, output=10), error="overloaded")
    answered(reply, None, OPENAI, True, streamed)
    assert reply.partial is partial


@pytest.mark.parametrize(
    ("reasons", "complete", "partial"),
    [(["stop"], False, False), ([], False, True), (["error"], False, True), ([], True, False)],
)
def test_usage_of_a_part(reasons: list[str], complete: bool, partial: bool) -> None:
    reply = Reply(usage=Usage(input=10, output=10), finish_reasons=reasons)
    answered(reply, None, OPENAI, complete, True)
    found = Prices().price(OPENAI, "gpt-4o", None, reply)
    assert found is not None
    assert found.partial is partial
