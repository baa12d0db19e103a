"""The id of the model's call that a tool runs for: not its span, but its context knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import context as ctx
from otelier import guard, semconv, statics
from otelier.frameworks.openai_agents.around import ToolRun
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """See the context of a tool's call being made, which is inside of its span."""
    owner = statics.storage(module).get("ToolContext")
    if "from_agent_context" not in getattr(owner, "__dict__", {}):
        raise LookupError("ToolContext.from_agent_context")
    patches.wrap(owner, "from_agent_context", _from_agent_context)
    return "ToolContext.from_agent_context"


def _from_agent_context(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        handle: Any = ctx.current().get(ctx.STEP)
        call_id = argument(args, kwargs, 1, "tool_call_id")
        if isinstance(handle, ToolRun) and type(call_id) is str and call_id:
            handle.set(semconv.TOOL_CALL_ID, call_id)
    except Exception:
        guard.failed("openai_agents.calls")
    return result
