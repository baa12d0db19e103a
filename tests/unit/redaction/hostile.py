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
        *(command for command, _ in signs.OPTIONS),
        *(option for _, options in signs.OPTIONS for option in options),
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


def _case(chance: Random, piece: str) -> str:
    drawn = chance.random()
    return piece.upper() if drawn < 0.15 else piece.title() if drawn < 0.25 else piece
