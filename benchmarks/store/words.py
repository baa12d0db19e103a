"""Texts for a workload: sentences of a vocabulary with common and rare words, no two the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Final

VOCABULARY: Final = 8000
SENTENCES: Final = 4000
# Of the escaped sentences; a message is of about as many as its size needs.
AVERAGE: Final = 97
_SYLLABLES: Final = ("ba", "de", "ki", "lo", "mu", "na", "po", "ra", "si", "te", "vo", "zü")


class Words:
    """Makes texts and messages, as JSON."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._count = 0
        words = [
            "".join(random.choices(_SYLLABLES, k=random.randrange(1, 5))) for _ in range(VOCABULARY)
        ]
        # As in a language: the n-th word is said n times less often than the first.
        weights = list(accumulate(1 / (n + 2) for n in range(VOCABULARY)))
        # Escaped already: a message is put together, not encoded.
        self._sentences = [
            json.dumps(
                " ".join(random.choices(words, cum_weights=weights, k=random.randrange(8, 24)))
                + random.choice((". ", ". ", "? ", ".\n", '" she said. "')),
                ensure_ascii=False,
            )[1:-1]
            for _ in range(SENTENCES)
        ]

    def escaped(self, size: int) -> str:
        """A text of about so many bytes, as it stands in a JSON string."""
        self._count += 1
        start = self._random.randrange(SENTENCES)
        end = start + max(1, round(size / AVERAGE))
        return f"{self._count}: " + "".join(self._sentences[start:end])

    def text(self, size: int) -> str:
        """A text of about so many bytes."""
        return str(json.loads(f'"{self.escaped(size)}"'))

    def said(self, role: str, size: int) -> str:
        """A message."""
        if role == "tool":
            called = f"call_{self._count}"
            text = self.escaped(size)
            part = f'{{"type":"tool_call_response","id":"{called}","content":"{text}"}}'
        else:
            part = f'{{"type":"text","content":"{self.escaped(size)}"}}'
        end = ',"finish_reason":"stop"' if role == "assistant" else ""
        return f'{{"role":"{role}","parts":[{part}]{end}}}'

    def call(self, tools: Sequence[str], size: int) -> str:
        """A message that asks for a tool."""
        name = self._random.choice(tools)
        return (
            '{"role":"assistant","parts":[{"type":"tool_call","name":"'
            f'{name}","id":"call_{self._count}","arguments":{{"query":"{self.escaped(size // 2)}"}}'
            '}],"finish_reason":"tool_call"}'
        )

    def tools(self, names: Sequence[str], size: int) -> str:
        """Definitions of tools."""
        return (
            "["
            + ",".join(
                f'{{"type":"function","name":"{name}","description":"{self.escaped(size)}","parameters":'
                '{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}}'
                for name in names
            )
            + "]"
        )

    def documents(self, number: int, size: int) -> str:
        """What was found."""
        return (
            "["
            + ",".join(
                f'{{"id":"d-{self._random.randrange(10_000)}","score":{self._random.random():.3f},'
                f'"content":"{self.escaped(size)}"}}'
                for _ in range(number)
            )
            + "]"
        )
