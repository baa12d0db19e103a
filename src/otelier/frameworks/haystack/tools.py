"""Tools: where one is executed, for whomever."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import create_key

from otelier import context as ctx
from otelier import pipeline, statics
from otelier.executed import Executed
from otelier.frameworks.haystack import messages, reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.runners import patch_tool

# The model's calls that are executed here, by their identities, until each is taken.
CALLS: Final = create_key("otelier-haystack-calls")


class _Tool(Executed):
    """A tool, and the method of it that was called."""

    __slots__ = ("tool",)

    tool: Any

    def end(self, error: BaseException | None = None) -> None:
        """End the step, once, with what the tool has raised."""
        super().end(running.blamed(error))
        self.tool = None


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a tool."""
    owner = module.__dict__.get("Tool")
    if owner is None or "invoke" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.Tool.invoke")
    for name in ("invoke", "invoke_async"):
        if name in owner.__dict__:
            patch_tool(owner, name, _begin, _finish, patches)
    return "Tool.invoke"


def _begin(tool: Any, args: Any, kwargs: Any) -> Handle | None:
    around = ctx.current().get(ctx.STEP)
    # One whose synchronous twin does the work is one.
    if type(around) is _Tool and around.tool is tool and not around.ended:
        return None
    if not running.shown():
        return None
    call = _taken(tool, kwargs)
    identity, arguments = statics.member(call, "id"), statics.member(call, "arguments", kwargs)
    step = pipeline.tool(
        reading.text(tool, "name") or "",
        description=reading.text(tool, "description"),
        call_id=identity if type(identity) is str else None,
        arguments=arguments or None,
    )
    handle = running.begin(step, _Tool)
    if isinstance(handle, _Tool):
        handle.tool = tool
        function = statics.member(tool, "async_function")
        handle.function = statics.member(tool, "function") or function
    return handle


def _taken(tool: Any, given: Any) -> Any:
    """The model's call that is executed here, if nobody has taken it."""
    held: Any = ctx.current().get(CALLS)
    for identity, call in list(held.items()) if held else ():
        if _is_for(call, tool, given) and held.pop(identity, None) is not None:
            return call
    return None


def _is_for(call: Any, tool: Any, given: Any) -> bool:
    """Whether it is a call of this tool, with these very arguments."""
    if statics.member(call, "tool_name") != statics.member(tool, "name"):
        return False
    asked = statics.member(call, "arguments")
    return type(asked) is dict and all(given.get(name) is asked[name] for name in asked)


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    told = isinstance(handle, Executed) and handle.told
    if result is None or told or not handle.wants_content or statics.iterates(result):
        return
    # Of an agent, all that it has done is below.
    last = result.get("last_message") if type(result) is dict else None
    said = messages.chat([last]) if messages.is_message(last) else []
    handle.set_result(said[0]["content"] if said else result)


def called_as(component: Any) -> tuple[str | None, str | None]:
    """The name and the description of the tool that a component is, where it is called as one."""
    around = ctx.current().get(ctx.STEP)
    if type(around) is not _Tool or statics.member(around.tool, "_component") is not component:
        return None, None
    return reading.text(around.tool, "name"), reading.text(around.tool, "description")
