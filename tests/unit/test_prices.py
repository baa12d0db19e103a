"""The compiled list against genai-prices itself: every provider and model, moment and context."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from genai_prices import Usage as ListedUsage
from genai_prices import data_snapshot
from genai_prices.data import providers
from genai_prices.data_units import unit_data
from genai_prices.types import ModelPrice

from otelier import guard
from otelier.cost import Prices
from otelier.identity import Identity
from otelier.prices import arithmetic, compiling, sources
from otelier.prices.listing import PriceList
from otelier.protocols import Reply
from otelier.usage import Usage

COMPILED = compiling.compiled(providers, unit_data, "test")
LIST = PriceList.read(COMPILED)
SNAPSHOT = data_snapshot.DataSnapshot(providers=providers, from_auto_update=False)
MOMENTS = [
    datetime(2023, 1, 1, tzinfo=UTC),
    datetime(2025, 6, 30, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 2, 3, 16, 29, 59, 999_999, tzinfo=UTC),
    datetime(2026, 2, 3, 16, 30, tzinfo=UTC),
    datetime(2026, 2, 3, 0, 30, tzinfo=UTC),
    datetime(2026, 11, 28, 12, 0, tzinfo=UTC),
    datetime(2030, 1, 1, 2, 0, tzinfo=UTC),
]


def contexts() -> list[dict[str, str]]:
    found: list[dict[str, str]] = [{}]
    for provider in providers:
        for model in provider.models:
            for variant in model.price_variants or ():
                if variant.when not in found:
                    found.append(dict(variant.when))
    return [*found, {"service_tier": "no such"}, {"service_tier": "flex", "processing": "batch"}]


CONTEXTS = contexts()


# When all that is announced holds.
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def plain(prices: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in vars(prices).items():
        if hasattr(value, "tiers"):
            tiers = [[tier.start, float(tier.price)] for tier in value.tiers]
            found[key] = [float(value.base), tiers]
        elif value is not None:
            found[key] = float(value)
    return found


@pytest.mark.parametrize("provider", providers, ids=lambda provider: provider.id)
def test_prices_of_every_model_at_every_moment_in_every_context(provider: Any) -> None:
    for model in provider.models:
        try:
            owner, found = SNAPSHOT.find_provider_model(model.id, None, provider.id, None)
        except LookupError:  # Some are found by other names alone.
            assert LIST.find(model.id, provider.id, None) is None
            continue
        entry = LIST.find(model.id, provider.id, None)
        assert entry is not None, model.id
        assert (entry.owner, entry.id) == (owner.id, found.id)
        whens = [*map(dict, entry.whens(LATER))]
        assert whens == [v.when for v in found.price_variants or ()] or entry.borrowed
        for moment in MOMENTS:
            for context in CONTEXTS:
                expected = plain(found.get_prices(moment, context or None))
                assert entry.at(moment, context) == expected, (model.id, moment, context)


def names() -> Iterator[str]:
    """What models are called in practice: ids, with dates, versions and prefixes."""
    for provider in providers:
        for model in provider.models[::3]:
            yield model.id
            yield model.id.upper()
            yield f"{model.id}-20260115"
            yield f"{model.id}-2026-01-15"
            yield f"{provider.id}/{model.id}"
            yield f"{model.id}:latest"
    yield from ("", "gpt-4o", "claude-sonnet-4-5@20250929", "ft:gpt-4o:acme::x", "no such model")


def test_every_name_is_found_where_the_library_finds_it() -> None:
    chance = random.Random(3)
    asked = sorted(set(names()))
    for name in asked:
        for provider in chance.sample(providers, 6):
            try:
                owner, model = SNAPSHOT.find_provider_model(name, None, provider.id, None)
                expected: Any = (owner.id, model.id)
            except LookupError:
                expected = None
            entry = LIST.find(name, provider.id, None)
            assert (entry and (entry.owner, entry.id)) == expected, (name, provider.id)


@pytest.mark.parametrize(
    "url",
    [
        *(re.sub(r"\\|\(.*?\)\??|\[.*?\][+*]?|\$", "", p.api_pattern) for p in providers),
        "https://api.openai.com/v1",
        "https://api.openai.com.evil.example/v1",
        "http://api.openai.com/v1",
        "https://my.openai.azure.com/openai/deployments/x",
        "my.openai.azure.com",
        "https://eu-west-1-aiplatform.googleapis.com/v1",
        "https://generativelanguage.googleapis.com/v1beta",
        "https://bedrock-runtime.us-east-1.amazonaws.com/",
        "https://api.minimaxi.com/v1",
        "https://router.huggingface.co/groq/openai/v1",
        "https://dbc-1.cloud.databricks.com/serving-endpoints/x",
        "https://example.com",
        "",
    ],
)
def test_every_address_is_whose_the_library_says(url: str) -> None:
    try:
        expected = SNAPSHOT.find_provider(None, None, url).id
    except LookupError:
        expected = None
    assert LIST._by_url(url) == expected


def test_other_names_of_providers() -> None:
    for name in ("openai", "OpenAI", "gcp-vertex", "google-vertex", "bedrock", "xai", "nobody", ""):
        found = data_snapshot.find_provider_by_id(providers, name)
        assert LIST._by_id(name) == (found.id if found else None), name


def test_sums_of_all_units_agree_with_the_library() -> None:
    """Random counts of what prices exist for: the same sum, or neither has one."""
    chance = random.Random(11)
    keys = {unit.get("price_key", key): key for key, unit in unit_data.items()}
    some = [key for key in unit_data if key != "requests"]
    compared = untold = 0
    for provider in providers:
        for model in provider.models:
            prices = model.get_prices(MOMENTS[5])
            members = plain(prices)
            priced = [keys[name] for name in members if keys[name] != "requests"]
            for _ in range(3):
                told = {key: chance.randrange(0, 1000) for key in priced if chance.random() < 0.7}
                if chance.random() < 0.5:
                    told["input_tokens"] = chance.randrange(0, 400_000)
                if chance.random() < 0.2:
                    told[chance.choice(some)] = chance.randrange(0, 50)
                try:
                    expected = prices.calc_price(ListedUsage(**told))
                except ValueError:
                    with pytest.raises(arithmetic._UntoldError):
                        arithmetic._parts(told, members, LIST.units)
                    untold += 1
                    continue
                parts = arithmetic._parts(told, members, LIST.units)
                assert sum(parts.values()) == pytest.approx(
                    float(expected["total_price"]), rel=1e-9, abs=1e-12
                ), (model.id, told)
                assert parts.get("input", 0) == pytest.approx(float(expected["input_price"]))
                compared += 1
    assert compared > 3000
    assert untold > 100


def test_the_shipped_list_is_that_of_the_installed_library() -> None:
    shipped = PriceList.read(sources.SHIPPED.read_bytes())
    if shipped.version != sources.installed():
        pytest.skip(f"genai-prices {sources.installed()} is installed, not {shipped.version}")
    expected = compiling.compiled(providers, unit_data, shipped.version)
    assert sources.SHIPPED.read_bytes() == expected, "run `make prices`"


# --- transcription by its length ----------------------------------------------------------------


def price(usage: Usage, model: str, provider: str, prices: Prices | None = None) -> float | None:
    who = Identity(provider, None, None, "")
    found = (prices or Prices()).price(who, model, None, Reply(usage=usage))
    return None if found is None else found.total


@pytest.mark.parametrize(
    ("provider", "model", "seconds", "usd"),
    [
        # $0.006 a minute: https://platform.openai.com/docs/pricing
        ("openai", "whisper-1", 60.0, 0.006),
        ("openai", "whisper-1", 90.5, 0.00905),
        # $0.111 an hour, ten seconds at least: https://groq.com/pricing
        ("groq", "whisper-large-v3", 3600.0, 0.111),
        ("groq", "whisper-large-v3", 3.0, 0.111 / 360),
    ],
)
def test_sound_is_billed_by_its_length(
    provider: str, model: str, seconds: float, usd: float
) -> None:
    assert price(Usage(audio_seconds=seconds), model, provider) == pytest.approx(usd, rel=1e-6)


def test_seconds_of_a_model_that_is_billed_by_tokens_have_no_cost() -> None:
    assert price(Usage(audio_seconds=60.0), "gpt-4o", "openai") is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(audio_seconds=60.0),
        Usage(input=1000, audio_input=500),
        Usage(input=10, output=90, audio_output=80),
        Usage(input=1000, cache_read=900, audio_cache_read=900, output=1),
    ],
)
def test_sound_has_no_cost_by_own_prices_of_text(usage: Usage) -> None:
    own = arithmetic.own({"input": 1, "output": 2})
    assert own(usage) is None
    assert own(Usage(input=1000, image_input=900, output=1)) is not None
    # Whatever it is, it costs nothing.
    free = arithmetic.own({"input": 0, "output": 0})(usage)
    assert free is not None and free.total == 0


def test_without_what_was_asked_there_is_no_cost() -> None:
    assert price(Usage(output=1000), "gpt-4o", "openai") is None
    assert price(Usage(input=0, output=1000), "gpt-4o", "openai") == pytest.approx(0.01)
    assert price(Usage(output=1000), "gpt-realtime", "openai") is None
    assert arithmetic.own({"input": 1, "output": 5})(Usage(output=10)) is None
    asked_for_nothing = arithmetic.own({"input": 0, "output": 5})(Usage(output=10))
    assert asked_for_nothing is not None and asked_for_nothing.total == pytest.approx(5e-5)


# --- prices that the program has set in genai-prices ------------------------------------------


def test_prices_that_the_program_has_set_are_used() -> None:
    from dataclasses import replace

    (openai,) = [each for each in providers if each.id == "openai"]
    (gpt,) = [each for each in openai.models if each.id == "gpt-4o"]
    dearer = replace(gpt, prices=ModelPrice(input_mtok=Decimal(7), output_mtok=Decimal(9)))
    mine = data_snapshot.DataSnapshot(
        providers=[replace(openai, models=[dearer])], from_auto_update=True
    )
    data_snapshot.set_custom_snapshot(mine)
    try:
        assert price(Usage(input=1_000_000, output=1_000_000), "gpt-4o", "openai") == 16
        assert price(Usage(input=1, output=1), "gpt-4o-mini", "openai") is None
    finally:
        data_snapshot.set_custom_snapshot(None)
    assert price(Usage(input=1_000_000, output=0), "gpt-4o", "openai") == 2.5


def test_prices_change_on_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """DeepSeek's are lower from 16:30 to 0:30 UTC: no price of before is remembered."""
    from otelier import cost

    entry = LIST.find("deepseek-chat", "deepseek", None)
    assert entry is not None
    day = datetime(2025, 7, 1, 16, 29, tzinfo=UTC)
    assert entry.changes(day)
    assert entry.at(day, {}) != entry.at(day.replace(minute=31), {})
    moment = [day]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return moment[0]

    monkeypatch.setattr(cost, "datetime", Clock)
    prices, usage = Prices(), Usage(input=1_000_000, output=0)
    before = price(usage, "deepseek-chat", "deepseek", prices)
    moment[0] = day.replace(minute=31)
    after = price(usage, "deepseek-chat", "deepseek", prices)
    assert before and after and after < before
    fixed = LIST.find("gpt-4o", "openai", None)
    assert fixed is not None and not fixed.changes(MOMENTS[5])


# --- where the list comes from ------------------------------------------------------------------


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Another version of genai-prices than the shipped list is of, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sources, "installed", lambda: "9.9.9")
    return tmp_path / "otelier" / f"prices-{compiling.FORMAT}-9.9.9.jsonl"


def test_another_version_is_built_once_and_kept(another: Path) -> None:
    assert sources.ready() is None
    built, where = sources.build()
    assert (where, built.version) == ("built", "9.9.9")
    assert another.stat().st_mode & 0o077 == 0
    found = sources.ready()
    assert found is not None
    assert found[1] == "cached"
    assert found[0].find("gpt-4o", "openai", None) == built.find("gpt-4o", "openai", None)
    assert [path.name for path in another.parent.iterdir()] == [another.name]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"{}\n", b"[1]\n[2]\n", COMPILED[:-2000], b"\xff" * 100, b'{"format":0}']
)
def test_a_broken_file_in_the_cache_is_built_again(another: Path, data: bytes) -> None:
    another.parent.mkdir()
    another.write_bytes(data)
    assert sources.ready() is None
    assert guard.failures().get("prices.cached")
    sources.build()
    assert sources.ready() is not None
    guard.reset()


def test_a_cache_that_cannot_be_written_to_costs_nothing_but_time(
    another: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another.parent.write_text("a file in the place of the folder")
    built, where = sources.build()
    assert where == "built"
    assert built.find("gpt-4o", "openai", None) is not None
    assert guard.failures() == {"prices.cache": 1}
    guard.reset()


def test_no_home_is_no_cache(another: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    assert sources.cached("9.9.9") is None
    assert sources.ready() is None


def test_the_installed_version() -> None:
    assert sources.installed() == version("genai-prices")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Metadata-Version: 2.4\nName: genai-prices\nVersion: 1.2.3\n\nVersion: 4\n", "1.2.3"),
        ("Metadata-Version: 2.4\nVersion: 1.2.3", "1.2.3"),
        ("Name: genai-prices\n\nVersion: 4\n", "9.9.9"),
        ("", "9.9.9"),
        (None, "9.9.9"),
    ],
)
def test_the_version_is_read_of_the_head_alone(
    said: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(read_text={"METADATA": said}.get, version="9.9.9")
    monkeypatch.setattr(sources, "distribution", lambda name: found)
    assert sources.installed.__wrapped__() == told


def test_without_the_library_the_shipped_list_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "installed", lambda: None)
    found = sources.ready()
    assert found is not None
    assert found[1] == "shipped"
