"""The stretch of time that a page is of: the last day, unless its URL says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from otelier.questions import moments

# What ``since`` says in a URL of all that there is.
ALL: Final = "all"
DEFAULT: Final = "24h"
CHOICES: Final = ("1h", DEFAULT, "7d", "30d", ALL)


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when."""

    # What the URL says, or would say, of its beginning and its end ('' for none).
    told: str
    ended: str
    # None for all, until now.
    since: datetime | None
    until: datetime | None
    # In words: "in the last 24h".
    words: str

    @property
    def choices(self) -> tuple[str, ...]:
        """What a reader may choose instead."""
        return CHOICES

    @property
    def asked(self) -> dict[str, datetime | None]:
        """What a question is to be told."""
        return {"since": self.since, "until": self.until}

    @property
    def url(self) -> dict[str, str]:
        """What a link to a page of the same period says."""
        return {"since": self.told, "until": self.ended}

    def within(self, length: timedelta, now: datetime | None = None) -> bool:
        """Whether it is no longer than that."""
        if self.since is None:
            return False
        return (self.until or now or datetime.now(UTC)) - self.since <= length


def period(given: Mapping[str, str], now: datetime | None = None, default: str = DEFAULT) -> Period:
    """What ``since`` and ``until`` say. Raises ValueError where they are no times.

    Whoever says only ``until`` means all before; who says neither, ``default``.
    """
    ended = given.get("until", "")
    until = moments.moment(ended, now) if ended else None
    told = given.get("since") or (ALL if ended else default)
    since = None if told == ALL else moments.moment(told, now)
    words = [f"in the last {told}" if told in CHOICES else f"since {told}"] if since else []
    if ended:
        words.append(f"before {ended}")
    return Period(told, ended, since, until, " ".join(words))
