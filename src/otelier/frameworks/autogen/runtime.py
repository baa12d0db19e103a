"""The runtime in which AutoGen's agents send messages to each other.

Each message has spans of its own (created, published, processed, acknowledged): some forty for each
turn of a team, which hide the agents, and most of them are traces of their own. They are an actor
system's: a team of AgentChat, which makes a runtime for itself, is shown as a workflow instead. A
program that sends messages itself has them as before, and ``OTELIER_FRAMEWORK_STEPS=all`` shows a
team's as well.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from opentelemetry.trace import INVALID_SPAN

from otelier import context as ctx
from otelier import guard, runtime
from otelier.frameworks import steps
from otelier.frameworks.autogen.teams import RUN
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what makes the runtime's spans."""
    helper = getattr(module, "TraceHelper", None)
    if helper is None or "trace_block" not in helper.__dict__:
        raise LookupError("autogen_core._telemetry._tracing.TraceHelper.trace_block")
    patches.wrap(helper, "trace_block", _block)
    return "TraceHelper.trace_block"


def _block(wrapped: Any, helper: Any, args: Any, kwargs: Any) -> Any:
    try:
        running = runtime.current() is not None
        if running and ctx.current().get(RUN) and not steps.inner_steps():
            return nullcontext(INVALID_SPAN)
    except Exception:
        guard.failed("autogen.runtime")
    return wrapped(*args, **kwargs)
