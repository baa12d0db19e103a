"""Texts out of pieces of what is looked for, put together by chance: always the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from otelier.redaction import issuers, signs

WORDS = [
    word.decode()
    for word in (
        *signs.WORDS,
        *signs.KEYS,
        *signs.SCHEMES,
        *signs.PHRASES,
        signs.PEM,
        *issuers.PREFIXES,
        *issuers.DOTTED,
        *signs.OPTIONS,
        *(command for commands in signs.OPTIONS.values() for command in commands),
    )
]
BETWEEN = [
    *"-_ \n\t\v:=>'\"`\\],@}aB.\x00\x1c",
    "--", "**", "\\n", "\\u000a", "://", "is ", "was:", "are\n", "'s ", "value", "x =", "x.y=",
    "password '", "encrypted ", "with ", "login ", "role x ", 'user "a" ',
    # What some engines take for ASCII, a space or a line's end.
    "é", "漢", "\u212a", "\u017f", "\x85", "\u2028", "\ufffd",
]  # fmt: skip
VALUES = ["0123456789abcdef", "aaaaaaaaaaaaa", "Ab9" * 9, "hunter2", "tr0ub4dor&3", ": s3cr3t\n"]
FILLING = ["The weather is fine. ", "漢字はむずかしい", "a1 b2\n", " ", "x" * 50 + "\n", "é"]
FILLED = " \t-_\\\"'aé"


def texts(number: int, seed: int) -> Iterator[str]:
    """Of up to seven pieces; some are stretched up to a bound of the rules, and over it."""
    chance = Random(seed)
    for _ in range(number):
        text = "".join(
            _case(chance, chance.choice(chance.choice((WORDS, BETWEEN, VALUES))))
            for _ in range(chance.randint(1, 7))
        )
        if chance.random() < 0.3:
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice(FILLED) * chance.randint(1, 33) + text[at:]
        yield text


def long_texts(number: int, seed: int) -> Iterator[str]:
    """Several thousand letters with few such texts in them."""
    chance = Random(seed)
    pieces = texts(number * 100, seed)
    for _ in range(number):
        parts: list[str] = []
        size = chance.choice((2100, 4000, 9000))
        while sum(map(len, parts)) < size:
            parts.append(chance.choice(FILLING) * chance.randint(1, 20))
            if chance.random() < 0.05:
                parts.append(next(pieces))
            if chance.random() < 0.03:
                parts.append("\\" * chance.randint(1, 66))
        yield chance.choice(("", "", " ", "\n")).join(parts)


def _case(chance: Random, piece: str) -> str:
    drawn = chance.random()
    return piece.upper() if drawn < 0.15 else piece.title() if drawn < 0.25 else piece
