"""What a process pays for knowing prices, in fresh ones: memory, and function calls."""

from __future__ import annotations

import pytest

from benchmarks import starting

MOST = 10 * 2**20


@pytest.mark.parametrize(
    ("which", "calls"), [("openai", 8_000), ("anthropic", 5_000), ("all", 60_000)]
)
def test_first_price(which: str, calls: int) -> None:
    """Of one provider, and of one model of every provider, one after the other."""
    found = starting.priced(which)
    if not found["shipped"]:
        pytest.skip("another genai-prices is installed than the shipped list is of")
    assert found["priced"] >= found["of"] * 0.7
    # What Python's objects take at most while the list is read, and how much the process grows.
    assert found["kept"] <= found["most"] <= MOST
    assert found["resident"] <= MOST
    assert found["calls"] <= calls
