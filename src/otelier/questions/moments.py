"""Points in time as people write them: ``24h``, ``7d``, ``2026-11-28``, ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

# How a moment may be told.
Moment: TypeAlias = str | datetime | timedelta
_AGO: Final = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# What engines can compare with: nanoseconds since 1970 in 64 bits.
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2262, 1, 1, tzinfo=UTC)
FORMS: Final = "24h, 7d, 2026-11-28 or 2026-11-28T21:04 (UTC)"


def moment(told: Moment, now: datetime | None = None) -> datetime:
    """A moment in UTC. A duration is that long before ``now``; what names no zone is in UTC.

    Raises ValueError with what can be written.
    """
    try:
        return min(max(_read(told, now), _FIRST), _LAST)
    # Whoever calls from Python may give anything.
    except (ValueError, OverflowError, TypeError, AttributeError):
        raise ValueError(f"{str(told)!r} is no time; it is written as {FORMS}") from None


def _read(told: Moment, now: datetime | None) -> datetime:
    if isinstance(told, datetime):
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    if isinstance(told, timedelta):
        return (now or datetime.now(UTC)) - told
    if found := _AGO.fullmatch(told.strip().lower()):
        return _read(timedelta(**{_UNITS[found[2]]: int(found[1])}), now)
    return _read(datetime.fromisoformat(told.strip()), now)


def read(text: str) -> datetime:
    """A time that a store tells; what is below a microsecond is cut off. Raises ValueError."""
    whole, _, rest = text.partition(".")
    return datetime.fromisoformat(f"{whole}.{rest[:6]:0<6}").replace(tzinfo=UTC)


def later(time: datetime, seconds: float) -> datetime:
    """So long after a time, to the microsecond; the last one of all where it is beyond that."""
    try:
        return time + timedelta(microseconds=int(seconds * 1e6))
    except OverflowError:
        return datetime.max.replace(tzinfo=time.tzinfo)
