"""``anthropic``'s tool runners: ``client.beta.messages.tool_runner()`` and those of sessions.

The runner's loop is ``__run__``; ``_run_tool`` and ``_run_toolset_member`` run one tool each (1.13
and later; before, the tools' own ``call``). Both turn exceptions into results for the model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from otelier import apart, guard
from otelier.handle import Handle, NoHandle
from otelier.hooks import runners
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a module with runners; what was patched. Raises LookupError."""
    if hasattr(module, "SessionToolRunner"):
        return _patch_sessions(module, patches)
    for name in ("BaseSyncToolRunner", "BaseAsyncToolRunner"):
        runner = getattr(module, name, None)
        if runner is None or "__run__" not in runner.__dict__:
            raise LookupError(f"{module.__name__}.{name}.__run__")
        patches.wrap(runner, "__run__", runners.loop(_model, _native))
        for method, begin in (("_run_tool", _tool), ("_run_toolset_member", _member)):
            if method in runner.__dict__:
                runners.patch_tool(runner, method, begin, _result, patches)
    _patch_failures(module, "tool_error_content", patches)
    toolsets = sys.modules.get(f"{module.__package__}._toolsets._runnable")
    _patch_failures(toolsets, "member_error_result", patches)
    if "_run_tool" in module.BaseSyncToolRunner.__dict__:
        return f"{module.__name__}.Base{{Sync,Async}}ToolRunner.{{__run__,_run_tool}}"
    functions = sys.modules[f"{module.__package__}._beta_functions"]
    for name in ("BetaFunctionTool", "BetaAsyncFunctionTool"):
        runners.patch_tool(getattr(functions, name), "call", _function, _returned, patches)
    return f"{module.__name__}.Base{{Sync,Async}}ToolRunner.__run__, Beta*FunctionTool.call"


def _patch_sessions(module: Any, patches: Patches) -> str:
    if "_call_tool" not in module.SessionToolRunner.__dict__:
        raise LookupError(f"{module.__name__}.SessionToolRunner._call_tool")
    runners.patch_tool(
        module.SessionToolRunner, "_call_tool", _session_tool, _session_result, patches
    )
    _patch_failures(module, "tool_error_content", patches)
    return f"{module.__name__}.SessionToolRunner._call_tool"


def _patch_failures(module: Any, name: str, patches: Patches) -> None:
    if name in getattr(module, "__dict__", {}):
        patches.wrap(module, name, _noting)


def _noting(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    """The runner makes a result of an exception."""
    try:
        for value in (*args, *kwargs.values()):
            if isinstance(value, BaseException):
                runners.note_failure(value)
    except Exception:
        guard.failed("anthropic_tools.failure")
    return wrapped(*args, **kwargs)


def _model(runner: Any, args: Any, kwargs: Any) -> Any:
    return runner._params.get("model")


def _native(runner: Any) -> bool:
    # The user asked for the SDK's own spans, which show runs and tools.
    return _shows(runner._client)


def _shows(client: Any) -> bool:
    # Spans that go to another backend show nothing in ours.
    tracer = getattr(client, "_tracer", None)
    return tracer is not None and not isinstance(tracer, apart.Tracer)


def _argument(args: Any, kwargs: Any, position: int, name: str) -> Any:
    return args[position] if len(args) > position else kwargs[name]


def _tool(runner: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    tool, use = _argument(args, kwargs, 0, "tool"), _argument(args, kwargs, 1, "tool_use")
    return _open(runner, use, getattr(tool, "description", None), getattr(tool, "func", None))


def _member(runner: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    use = _argument(args, kwargs, 0, "tool_use")
    # A toolset that the runner does not have runs nothing.
    return _open(runner, use) if use.toolset_name in runner._toolsets_by_family else None


def _open(
    runner: Any, use: Any, description: Any = None, function: Any = None
) -> Handle | NoHandle | None:
    if _native(runner):
        return None
    return runners.open_tool(runner, use.name, use.id, use.input, description, function)


def _result(handle: Handle | NoHandle, result: Any) -> None:
    runners.close_tool(handle, bool(result.get("is_error")), result.get("content"))


def _function(tool: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    arguments = _argument(args, kwargs, 0, "input")
    said, function = getattr(tool, "description", None), getattr(tool, "func", None)
    return runners.open_tool(tool, tool.name, None, arguments, said, function)


def _returned(handle: Handle | NoHandle, result: Any) -> None:
    runners.close_tool(handle, False, result)


def _session_tool(runner: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    if _shows(runner._scoped):
        return None
    tool, event = _argument(args, kwargs, 0, "tool"), _argument(args, kwargs, 1, "ev")
    arguments = _argument(args, kwargs, 2, "input_")
    said, function = getattr(tool, "description", None), getattr(tool, "func", None)
    return runners.open_tool(runner, event.name, event.id, arguments, said, function)


def _session_result(handle: Handle | NoHandle, result: Any) -> None:
    event, content = result
    runners.close_tool(handle, bool(event.get("is_error")), event.get("content", content))
