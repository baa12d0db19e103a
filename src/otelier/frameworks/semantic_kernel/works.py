"""Several agents that work together: what is known of one run of them."""

from __future__ import annotations

from typing import Final

from opentelemetry.context import Context, create_key

from otelier import context as ctx
from otelier import leaving, pipeline
from otelier.frameworks import steps
from otelier.handle import Handle

_RUN: Final = create_key("otelier-semantic-kernel-orchestration")


class Work:
    """One run of an orchestration."""

    __slots__ = ("__weakref__", "answered", "context", "handle")

    def __init__(self) -> None:
        # Whether there is a result, told by a step in it that goes on.
        self.answered = False
        self.handle: Handle | None = None
        # Of all messages that its agents send each other.
        self.context = ctx.NOWHERE

    def end(self, error: BaseException | None = None) -> None:
        """It is over."""
        if self.handle is not None:
            self.handle.end(error)

    def left(self, how: str) -> None:
        """Nobody waits for it."""
        if self.handle is not None:
            self.handle.left(how)

    def __del__(self) -> None:
        # Nobody has it any more: no result will come.
        self.left(leaving.ABANDONED)


def begin(name: str | None, parent: Context) -> Work | None:
    """A workflow of several agents begins in ``parent``."""
    work = Work()
    handle = steps.begin(pipeline.workflow(name), ctx.with_value(parent, _RUN, work))
    if handle is None:
        return None
    work.handle, work.context = handle, handle.context
    return work


def running(context: Context) -> Work | None:
    """The orchestration in which something runs."""
    work = context.get(_RUN)
    return work if isinstance(work, Work) else None
