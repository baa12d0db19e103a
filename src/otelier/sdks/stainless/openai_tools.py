"""``openai``'s runner of Responses tool loops: ``openai.lib.responses_tool_runner``.

``run`` is ``iterate`` to its end; ``_execute_function`` runs one registered function, and the
browser's and computer's toolsets run their calls themselves.
"""

from __future__ import annotations

from typing import Any

from otelier import wire
from otelier.handle import Handle, NoHandle
from otelier.hooks import runners
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the runners; what was patched. Raises LookupError."""
    for name in ("ResponsesToolRunner", "AsyncResponsesToolRunner"):
        runner = getattr(module, name, None)
        if runner is None or not {"iterate", "_execute_function"} <= runner.__dict__.keys():
            raise LookupError(f"{module.__name__}.{name}.iterate")
        patches.wrap(runner, "iterate", runners.loop(_model, lambda _: False))
        runners.patch_tool(runner, "_execute_function", _function, _result, patches)
    for prefix in ("", "Async"):
        for name, method, begin, finish in (
            ("BrowserToolset", "_execute", _browser, _browsed),
            ("ComputerToolset", "execute", _computer, _ended),
        ):
            toolset = getattr(module, prefix + name, None)
            if toolset is not None and method in toolset.__dict__:
                runners.patch_tool(toolset, method, begin, finish, patches)
    return f"{module.__name__}.{{,Async}}ResponsesToolRunner.{{iterate,_execute_function}}"


def _model(runner: Any, args: Any, kwargs: Any) -> Any:
    params = argument(args, kwargs, 1, "params")
    return wire.fields(params).get("model")


def _function(runner: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    item = args[1] if len(args) > 1 else kwargs["item"]
    registered = runner._functions.get(item.name)
    said = wire.fields(wire.fields(registered).get("tool")).get("description")
    function = getattr(registered, "execute", None)
    return runners.open_tool(runner, item.name, item.call_id, item.arguments, said, function)


def _result(handle: Handle | NoHandle, result: Any) -> None:
    runners.close_tool(handle, False, result.get("output"))


def _browser(toolset: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    call = args[0] if args else kwargs["call"]
    if kwargs.get("skip"):
        return None
    return runners.open_tool(toolset, call.name, call.call_id, call.arguments)


def _browsed(handle: Handle | NoHandle, result: Any) -> None:
    output, succeeded = result
    runners.close_tool(handle, not succeeded, output.get("output"))


def _computer(toolset: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    call = args[0] if args else kwargs["call"]
    actions = getattr(call, "actions", None) or [getattr(call, "action", None)]
    return runners.open_tool(toolset, "computer", call.call_id, {"actions": wire.plain(actions)})


def _ended(handle: Handle | NoHandle, result: Any) -> None:
    # The result is a screenshot, which the next model call shows.
    runners.close_tool(handle, False, None)
