"""Costs agree with genai-prices to the digit, and what is unknown has none."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import Usage as ListedUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot

from otelier.cost import PROVIDERS, Priced, Prices, own_key
from otelier.identity import Identity
from otelier.protocols import Cost, Reply
from otelier.usage import Usage

OPENAI = Identity("openai", "api.openai.com", 443, "https://api.openai.com/v1/")
ANTHROPIC = Identity("anthropic", "api.anthropic.com", 443, "https://api.anthropic.com")


def price(
    usage: Usage,
    model: str | None = "gpt-4o",
    who: Identity = OPENAI,
    prices: Prices | None = None,
    asked: str | None = None,
    **pricing: str,
) -> Priced | None:
    return (prices or Prices()).price(who, model, asked, Reply(usage=usage, pricing=pricing))


def test_known_by_heart() -> None:
    """gpt-4o: $2.50, cached $1.25, out $10 per million."""
    priced = price(Usage(input=1000, cache_read=600, output=100))
    assert priced is not None
    assert priced.total == pytest.approx(0.00275, abs=1e-12)
    assert priced.input == pytest.approx(0.001)
    assert priced.cache_read == pytest.approx(0.00075)
    assert priced.output == pytest.approx(0.001)
    assert priced.source == "prices"


def test_every_model_agrees_with_the_library() -> None:
    """Our plain numbers against the library's decimals, all providers and models."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    prices = Prices()
    compared = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            total = chance.randrange(1, 400_000)
            # Of most calls nothing was cached.
            cached = chance.random() < 0.3
            read = chance.randrange(0, total) if cached else 0
            written = chance.randrange(0, total - read) if cached else 0
            hour = chance.randrange(0, written + 1)
            usage = Usage(
                input=total,
                output=(made := chance.randrange(0, 5000)),
                text_input=total,
                text_output=made,
                cache_read=read,
                cache_write=written,
                cache_write_5m=written - hour,
                cache_write_1h=hour,
            )
            who = Identity(provider.id, None, None, "")
            ours = price(usage, model.id, who, prices)
            try:
                theirs = calc_price(
                    ListedUsage(
                        input_tokens=usage.input,
                        output_tokens=usage.output,
                        cache_read_tokens=read,
                        cache_write_tokens=written,
                        cache_write_5m_tokens=written - hour,
                        cache_write_1h_tokens=hour,
                    ),
                    model.id,
                    provider_id=provider.id,
                    genai_request_timestamp=now,
                )
            except (LookupError, ValueError):
                continue
            if ours is None:
                # Only where there is no price for what was used.
                members = {n for n, v in vars(theirs.model_price).items() if v is not None}
                if (read and "cache_read_mtok" not in members) or (
                    hour and "cache_write_1h_mtok" not in members
                ):
                    continue  # The library takes the price of other input.
                if "requests_kcount" in members:
                    continue  # The library takes the highest fee.
                members = vars(theirs.model_price)
                priced_apart = {"input_mtok", "output_mtok"} <= members.keys()
                assert not theirs.total_price or not priced_apart, (provider.id, model.id)
                continue
            compared += 1
            assert ours.total == pytest.approx(float(theirs.total_price), rel=1e-9, abs=1e-12), (
                provider.id,
                model.id,
            )
    assert compared > 1200


def test_unknown_is_absent() -> None:
    assert price(Usage(input=10, output=10), "no-such-model-at-all") is None
    assert price(Usage(input=10, output=10), "gpt-4o", Identity("acme", None, None, "")) is None
    assert price(Usage()) is None
    assert price(Usage(input=0, output=0)) is None
    assert price(Usage(input=5, cache_read=9, output=1)) is None


def test_audio_at_a_text_price_is_absent() -> None:
    assert price(Usage(input=100, output=10, audio_input=90), "gpt-4o") is None


def test_response_model_first_then_the_one_asked_for() -> None:
    first = price(Usage(input=1000, output=0), "gpt-4o-mini", asked="gpt-4o")
    assert first is not None
    assert first.total == pytest.approx(0.00015)
    second = price(Usage(input=1000, output=0), "my-fine-tune-v7-zzz", asked="gpt-4o")
    assert second is not None
    assert second.total == pytest.approx(0.0025)


def test_batch_and_service_tier() -> None:
    usage = Usage(input=1_000_000, output=0)
    plain = price(usage, "claude-sonnet-4-5", ANTHROPIC)
    batch = price(usage, "claude-sonnet-4-5", ANTHROPIC, processing="batch")
    assert plain is not None
    assert batch is not None
    assert batch.total == pytest.approx(plain.total / 2)
    normal = price(Usage(input=1000, output=1000), "gpt-5", OPENAI)
    flex = price(Usage(input=1000, output=1000), "gpt-5", OPENAI, service_tier="flex")
    assert normal is not None
    assert flex is not None
    assert flex.total < normal.total


def test_cache_ttl_matters() -> None:
    five = price(Usage(input=1000, cache_write=1000, cache_write_5m=1000, output=0),
                 "claude-sonnet-4-5", ANTHROPIC)  # fmt: skip
    hour = price(Usage(input=1000, cache_write=1000, cache_write_1h=1000, output=0),
                 "claude-sonnet-4-5", ANTHROPIC)  # fmt: skip
    assert five is not None
    assert hour is not None
    assert five.total == pytest.approx(0.00375)
    assert hour.total == pytest.approx(0.006)


def test_the_provider_is_believed_first(tmp_path: Path) -> None:
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({"gpt-4o": {"input": 99}}))
    reply = Reply(usage=Usage(input=10, output=10), cost=Cost(0.5, 0.2, 0.3))
    assert Prices(str(own)).price(OPENAI, "gpt-4o", None, reply) == Priced(
        0.5, "provider", 0.2, 0.3
    )
    assert Prices().price(OPENAI, "gpt-4o", None, Reply(cost=Cost(0.0))) == Priced(0.0, "provider")


def test_own_prices_and_aliases(tmp_path: Path) -> None:
    own = tmp_path / "prices.json"
    own.write_text(
        json.dumps(
            {
                "acme/house-model": {"input": 2, "output": 4, "cache_read": 1},
                "chat-prod": "openai/gpt-4o",
                "broken": {"output": "a lot"},
            }
        )
    )
    prices = Prices(str(own))
    acme = Identity("acme", None, None, "")
    priced = price(Usage(input=1000, cache_read=500, output=100), "house-model", acme, prices)
    assert priced is not None
    assert priced.source == "user"
    assert priced.total == pytest.approx((500 * 2 + 500 * 1 + 100 * 4) / 1e6)
    aliased = price(Usage(input=1000, output=0), "chat-prod", acme, prices)
    assert aliased is not None
    assert aliased.total == pytest.approx(0.0025)
    assert price(Usage(input=1, output=1), "broken", acme, prices) is None


PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl"
SYSTEM_PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.acme.large-v1:0"


@pytest.mark.parametrize(
    ("provider", "model", "asked", "key"),
    [
        ("acme", "house-2026-11", "house", "acme/house-2026-11"),
        ("acme", None, "house", "acme/house"),
        ("acme", "house-2026-11", None, "acme/house-2026-11"),
        ("aws.bedrock", "large", "acme.large-v1:0", "aws.bedrock/acme.large-v1:0"),
        ("aws.bedrock", None, SYSTEM_PROFILE, "aws.bedrock/us.acme.large-v1:0"),
        ("aws.bedrock", None, PROFILE, f"aws.bedrock/{PROFILE}"),
        ("aws.bedrock", "large", PROFILE, f"aws.bedrock/{PROFILE}"),
        ("acme", None, None, None),
    ],
)
def test_a_price_file_is_told_by_which_name_it_is_asked(
    tmp_path: Path, provider: str, model: str | None, asked: str | None, key: str | None
) -> None:
    assert own_key(provider, model, asked) == key
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({key or "": {"input": 3}}))
    who = Identity(provider, None, None, "")
    priced = price(Usage(input=1000, output=0), model, who, Prices(str(own)), asked)
    assert (priced.total if priced else None) == (pytest.approx(0.003) if key else None)


def test_providers_are_known_to_the_price_list() -> None:
    listed = {provider.id for provider in get_snapshot().providers}
    assert set(PROVIDERS.values()) <= listed
