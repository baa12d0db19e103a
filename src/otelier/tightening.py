"""Which way a setting tightens: what a later ``instrument()`` may change, and what it may not.

A column of :data:`otelier.setting_table.SETTINGS`. What tightens is in force at once; what loosens
is refused. A setting without a direction is neither: the first ``instrument()`` decides it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context

from otelier import context as ctx
from otelier.setting_texts import Blobs, Capture


class Direction(NamedTuple):
    """How what is in force and what is asked meet: never looser than either of the two."""

    meet: Callable[[Any, Any], Any]
    # What is asked comes on top of what is in force: nothing of it can be refused.
    adds: bool = False

    def refuses(self, asked: Any, met: Any) -> bool:
        """Whether something of ``asked`` is not in what came of it."""
        return not self.adds and bool(asked != met)


def shown(value: Any) -> str:
    """A setting's value as a line tells it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return str(value)


def capture(one: Capture, other: Capture) -> Capture:
    """Content goes where both let it go."""
    spans, events = one.spans and other.spans, one.events and other.events
    if spans:
        return Capture.SPAN_AND_EVENT if events else Capture.SPAN_ONLY
    return Capture.EVENT_ONLY if events else Capture.NO_CONTENT


def narrowed(context: Context, mode: Capture) -> Context:
    """``context``, in which content goes no further than ``mode`` lets it."""
    there: Any = context.get(ctx.CAPTURE)
    return ctx.with_value(context, ctx.CAPTURE, mode if there is None else capture(there, mode))


def _blobs(one: Blobs, other: Blobs) -> Blobs:
    return one if one is other else Blobs.HASH


CAPTURE: Final = Direction(capture)
BLOBS: Final = Direction(_blobs)
# A switch that lets something out: off wins.
OFF: Final = Direction(lambda one, other: bool(one and other))
# A switch that keeps something in: on wins.
ON: Final = Direction(lambda one, other: bool(one or other))
# A number of bytes: the smaller.
LESS: Final = Direction(min)
# A list of what is left out: both.
MORE: Final = Direction(lambda one, other: one | other, adds=True)
# A list of what is let out: what both have.
FEWER: Final = Direction(lambda one, other: one & other)
# What looks at content: both do, one after the other; see :class:`otelier.content.Policy`.
BOTH: Final = Direction(lambda one, other: other, adds=True)
