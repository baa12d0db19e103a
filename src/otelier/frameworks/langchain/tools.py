"""Runs of tools."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from otelier import context as ctx
from otelier import leaving, pipeline, statics, wire
from otelier.executed import Executed
from otelier.frameworks.langchain import endings
from otelier.frameworks.langchain.messages import is_message, message
from otelier.frameworks.langchain.open_runs import conversation, runs, user
from otelier.hooks.patching import Patches

# The tool that is asked to run, the kind of function that it will call, and the call's id.
_called: ContextVar[tuple[Any, str, Any] | None] = ContextVar(
    "otelier-langchain-tool", default=None
)
_COMMAND: Final = ("langgraph.types", "Command")


def begin(
    serialized: Any,
    text: Any,
    run_id: Any,
    parent_id: Any,
    inputs: Any,
    name: Any,
    call_id: Any,
    metadata: Any,
) -> None:
    """A run begins."""
    told = wire.fields(serialized)
    # Tools of one text are told no names.
    arguments = {"input": text} if inputs is None else inputs
    called, function = _called.get(), None
    if called is not None:
        _called.set(None)
        tool, kind, known = called
        held = statics.storage(tool)
        if held.get("name") == told.get("name"):
            function = held.get(kind) or held.get("func")
            # Before 0.3.x the callback is not told of it.
            call_id = call_id or known
    around: Any = ctx.current().get(ctx.STEP)
    if isinstance(around, Executed) and around.brought(told.get("name")):
        # Another framework's tool is made of it, and has its span.
        runs.pass_by(run_id, parent_id)
        return
    step = pipeline.tool(
        told.get("name") or name or None,
        description=wire.text(told.get("description")),
        call_id=wire.text(call_id),
        arguments=arguments,
    )
    whose = metadata if runs.of(parent_id) is None else None
    run = runs.begin(
        run_id,
        parent_id,
        step,
        conversation_id=conversation(whose),
        user_id=user(whose),
        made=Executed,
    )
    if run is not None and isinstance(run.handle, Executed):
        run.handle.function = function


def end(run_id: Any, output: Any, error: BaseException | None) -> None:
    """A run ends."""
    run = runs.pop(run_id)
    if run is None or run.handle is None:
        return
    handle = run.handle
    if error is not None:
        endings.end(handle, error)
        return
    told, failed = _result(output)
    if told is not None and handle.wants_content and not getattr(handle, "told", False):
        handle.set_result(told)
    raised = getattr(handle, "error", None)
    if failed and raised is not None and leaving.how(raised) is None:
        handle.end(raised)
    elif failed:
        handle.fail("tool_error", told if type(told) is str else None, told=True)
    else:
        handle.end()


def _result(output: Any) -> tuple[Any, bool]:
    """What the model is told, and whether that is a failure."""
    if is_message(output):
        told = message(output)
        failed = statics.storage(output).get("status") == "error"
        return (told["content"] if told else None), failed
    if statics.identity(type(output)) == _COMMAND:
        update = wire.fields(statics.member(output, "update"))
        for each in wire.items(update.get("messages")):
            if is_message(each) and "tool_call_id" in statics.storage(each):
                return _result(each)
        return update or None, False
    return output, False


def patch(library: str, module: Any, patches: Patches) -> str:
    """Know of a tool that runs which function it calls."""
    tool = vars(module).get("BaseTool")
    if (
        tool is None
        or tool.__module__ != module.__name__
        or "run" not in vars(tool)
        or "arun" not in vars(tool)
    ):
        raise LookupError(f"no BaseTool.run and arun in {module.__name__}")
    patches.wrap(tool, "run", _run)
    patches.wrap(tool, "arun", _arun)
    return "BaseTool.run and arun"


def _run(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    _called.set((owner, "func", kwargs.get("tool_call_id")))
    return wrapped(*args, **kwargs)


async def _arun(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    # Where it is awaited, which may be a task of its own.
    _called.set((owner, "coroutine", kwargs.get("tool_call_id")))
    return await wrapped(*args, **kwargs)
