"""What the program says that was used: by a call, and by all of a connection until now."""

from __future__ import annotations

from typing import Any

from otelier import wire
from otelier.usage import Usage

_READ = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")


def usage(raw: Any) -> Usage | None:
    """The tokens of one call. All input counts, also what came from a cache or went into it."""
    told = wire.fields(raw)
    fresh, wrote = wire.count(told.get("input_tokens")), wire.count(told.get("output_tokens"))
    if fresh is None and wrote is None:
        return None
    cached = wire.fields(told.get("cache_creation"))
    used = Usage(
        output=wrote,
        cache_read=wire.count(told.get("cache_read_input_tokens")),
        cache_write=wire.count(told.get("cache_creation_input_tokens")),
        cache_write_5m=wire.count(cached.get("ephemeral_5m_input_tokens")),
        cache_write_1h=wire.count(cached.get("ephemeral_1h_input_tokens")),
        web_searches=wire.count(
            wire.fields(told.get("server_tool_use")).get("web_search_requests")
        ),
    )
    if fresh is not None:
        used.input = fresh + (used.cache_read or 0) + (used.cache_write or 0)
    return used


class Totals:
    """The program counts from the start of its connection: a turn used the difference."""

    __slots__ = ("_cost", "_read", "_wrote")

    def __init__(self) -> None:
        self._read = self._wrote = 0
        self._cost = 0.0

    def turn(self, result: Any) -> tuple[int | None, int | None, float | None]:
        """Input and output tokens and US dollars of the turn that ``result`` ends."""
        told = wire.fields(result)
        read = wrote = None
        for each in wire.fields(told.get("modelUsage")).values():
            model = wire.fields(each)
            read = (read or 0) + sum(wire.count(model.get(name)) or 0 for name in _READ)
            wrote = (wrote or 0) + (wire.count(model.get("outputTokens")) or 0)
        cost = wire.measure(told.get("total_cost_usd"))
        # A program that has begun to count anew says less than before.
        anew = (read is not None and read < self._read) or (cost is not None and cost < self._cost)
        base = Totals() if anew else self
        found = (
            None if read is None else read - base._read,
            None if wrote is None else max(wrote - base._wrote, 0),
            None if cost is None else cost - base._cost,
        )
        self._read, self._wrote, self._cost = (
            base._read if read is None else read,
            base._wrote if wrote is None else wrote,
            base._cost if cost is None else cost,
        )
        return found
