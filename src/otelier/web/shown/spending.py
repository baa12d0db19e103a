"""Sums over time: what a chart draws, and what a table beside it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from otelier.questions.about.course import Stretch
from otelier.questions.about.sums import COSTS
from otelier.questions.asking import row_type
from otelier.questions.cells import cell
from otelier.viewer import text as txt
from otelier.web.shown.words import seen

# Numbers by moment. A moment is what the store calls an hour or a day: "2026-11-28 21:00".
Values: TypeAlias = Mapping[str, float | None]
_FORMS: Final[Mapping[str, str]] = {"hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d"}
STEPS: Final[Mapping[str, timedelta]] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
# Moments of one chart: of more there is less to be seen.
MOST: Final = 400
# Characters of a name beside a chart.
_NAME: Final = 60
OTHERS: Final = "others"
_COLUMNS: Final = {column.name: column for column in COSTS.columns}


@dataclass(frozen=True, slots=True)
class Axis:
    """The moments of a chart, without a gap; and how many with numbers come before the first."""

    step: str
    moments: Sequence[str]
    before: int


@dataclass(frozen=True, slots=True)
class Part:
    """What sums are told apart by, with what it is at moments: as a number, and in words."""

    name: str
    # What it is summed by; None for all others together.
    key: str | None
    # None where something was used and nothing is known; what was not used is not there.
    values: Values
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A part in a chart: up to where at each moment (None: nothing), and in words."""

    name: str
    # What the style sheet calls its colour.
    look: str
    tops: Sequence[float | None]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. All texts in it are harmless."""

    # "USD" or "tokens".
    unit: str
    # Seconds since 1970, and seconds.
    starts: Sequence[float]
    step: float
    moments: Sequence[str]
    parts: Sequence[Drawn]
    # All together in words, and what is missing in it ('' for nothing).
    total: Sequence[str]
    missing: Sequence[str]
    # Bars on each other, else lines.
    stacked: bool

    @property
    def data(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)


# --- moments ----------------------------------------------------------------------------------


def axis(moments: Sequence[str], step: str, since: datetime | None, until: datetime | None) -> Axis:
    """From ``since``, else the first of the ``moments`` that have numbers, to ``until``.

    Only as many as can be told apart, the last ones.
    """
    if not moments:
        return Axis(step, (), 0)
    last = began(max(moments))
    if until is not None:
        last = max(last, _floor(until - timedelta(microseconds=1), step))
    first = began(min(moments))
    if since is not None:
        first = min(first, _floor(since, step))
    first = max(first, last - (MOST - 1) * STEPS[step])
    count = (last - first) // STEPS[step] + 1
    shown = [_told(first + number * STEPS[step], step) for number in range(count)]
    return Axis(step, shown, sum(each < shown[0] for each in moments))


def began(moment: str) -> datetime:
    """When a moment begins."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def begins(at: Axis, since: datetime | None, told: Container[str]) -> datetime | None:
    """From when on the first moment is told, where that is not from its beginning.

    ``told``: the moments that have numbers; a first one without any misses nothing.
    """
    if since is None or not at.moments or at.moments[0] not in told:
        return None
    return since if began(at.moments[0]) < since else None


def stretch(moment: str, step: str) -> dict[str, str]:
    """``since`` and ``until`` of a moment, as a URL says them."""
    ends = {"since": began(moment), "until": began(moment) + STEPS[step]}
    return {name: f"{time:%Y-%m-%dT%H:%M}" for name, time in ends.items()}


def _told(time: datetime, step: str) -> str:
    return time.strftime(_FORMS[step])


def _floor(time: datetime, step: str) -> datetime:
    return began(_told(time, step))


# --- parts ------------------------------------------------------------------------------------


def parts(found: Iterable[Stretch], keys: Sequence[str]) -> list[Part]:
    """Costs of these keys, in their order, and those of all others if there are any."""
    rows: dict[str | None, dict[str, list[Any]]] = {key: {} for key in keys}
    for each in found:
        key = None if each.other or each.row.key not in rows else each.row.key
        rows.setdefault(key, {}).setdefault(each.moment, []).append(each.row)
    return [
        column("cost", {moment: total(told) for moment, told in by_moment.items()}, named(key), key)
        for key, by_moment in rows.items()
    ]


def named(key: str | None) -> str:
    """A key beside a chart."""
    return OTHERS if key is None else seen(txt.shorten(key, _NAME)) or "(none)"


def by_key(found: Iterable[Stretch]) -> list[Any]:
    """Rows of ``costs`` in their order, of all keys over time."""
    rows: dict[str, list[Any]] = {}
    for each in found:
        rows.setdefault(each.row.key, []).append(each.row)
    made = [replace(total(told), key=key) for key, told in rows.items()]
    return sorted(made, key=lambda row: (row.cost is None, -(row.cost or 0), -row.calls, row.key))


def known(value: Any) -> float | None:
    """A number that can be drawn."""
    return float(value) if value is not None and math.isfinite(value) else None


def column(name: str, rows: Mapping[str, Any], label: str = "", key: str | None = None) -> Part:
    """A column of ``costs`` as a part. ``rows``: by moment."""
    return Part(
        label or name,
        key,
        {moment: known(getattr(row, name)) for moment, row in rows.items()},
        {moment: cell(_COLUMNS[name], row) for moment, row in rows.items()},
    )


def total(rows: Iterable[Any]) -> Any:
    """Rows of ``costs`` that have no call twice as one; what is known of none is not known."""
    given = list(rows)
    if len(given) == 1:
        return given[0]
    sums: dict[str, Any] = {}
    for each in COSTS.columns:
        told = [value for row in given if (value := getattr(row, each.name)) is not None]
        sums[each.name] = None if each.optional and not told else _summed(each.type, told)
    seconds = [row.mean_seconds * row.calls for row in given if row.mean_seconds is not None]
    sums["mean_seconds"] = math.fsum(seconds) / sums["calls"] if seconds else None
    return row_type(COSTS)(**sums)


def _summed(kind: str, told: Sequence[Any]) -> Any:
    return "" if kind == "text" else math.fsum(told) if kind == "float" else sum(told)


def lacking(row: Any, *, of_cost: bool) -> str:
    """What is missing in sums of tokens, or of cost, in words; '' for nothing."""
    if row is None:
        return ""
    told = [
        f"{count:,} call{'s' if count != 1 else ''} {words}"
        for count, words in (
            (row.unpriced if of_cost else 0, "without a known price"),
            (row.uncounted, "without known tokens"),
        )
        if count
    ]
    return ", ".join(told)


# --- charts -----------------------------------------------------------------------------------


def costs(at: Axis, rows: Mapping[str, Any], told: Sequence[Part], *, stacked: bool) -> Chart:
    """Costs by part. ``rows``: of ``costs`` by moment."""
    tops = _on_each_other if stacked else _apart
    return _chart("USD", at, rows, told, tops, stacked=stacked)


def tokens(at: Axis, rows: Mapping[str, Any]) -> Chart:
    """Tokens: what was written stands on what was read, of which the cached is a part."""
    told = [
        column("cache_read_tokens", rows, "input from the cache"),
        column("input_tokens", rows, "all input"),
        column("output_tokens", rows, "output"),
    ]
    return _chart("tokens", at, rows, told, _read_and_written, stacked=True)


_Tops: TypeAlias = Callable[[Sequence[Values], str], Iterator[float | None]]


def _chart(
    unit: str,
    at: Axis,
    rows: Mapping[str, Any],
    told: Sequence[Part],
    tops: _Tops,
    *,
    stacked: bool,
) -> Chart:
    values = [part.values for part in told]
    ends = [list(tops(values, moment)) for moment in at.moments]
    total = column("cost", rows).words if unit == "USD" else {}
    return Chart(
        unit,
        [began(moment).timestamp() for moment in at.moments],
        STEPS[at.step].total_seconds(),
        at.moments,
        [
            Drawn(
                part.name,
                _look(unit, part, place),
                [each[place] for each in ends],
                [part.words.get(moment, "") for moment in at.moments],
            )
            for place, part in enumerate(told)
        ],
        [total.get(moment, "") for moment in at.moments],
        [lacking(rows.get(moment), of_cost=unit == "USD") for moment in at.moments],
        stacked,
    )


def _look(unit: str, part: Part, place: int) -> str:
    others = unit == "USD" and part.key is None and place
    return f"{unit}-others" if others else f"{unit}-{place}"


def _on_each_other(values: Sequence[Values], moment: str) -> Iterator[float | None]:
    base = 0.0
    for each in values:
        value = each.get(moment)
        base += value or 0.0
        yield base if value is not None else None


def _apart(values: Sequence[Values], moment: str) -> Iterator[float | None]:
    # What was not used cost nothing; what was, and is not known, is a gap.
    yield from (each.get(moment, 0.0) for each in values)


def _read_and_written(values: Sequence[Values], moment: str) -> Iterator[float | None]:
    cached, read, written = (each.get(moment) for each in values)
    yield cached
    yield read
    yield None if written is None else (read or 0.0) + written
