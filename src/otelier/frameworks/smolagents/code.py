"""The code that an agent writes: its execution is a tool's, which smolagents names so."""

from __future__ import annotations

from typing import Any, Final

from otelier import context as ctx
from otelier import pipeline, statics, wire
from otelier.frameworks import steps
from otelier.frameworks.smolagents import reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks import subclasses
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

# As smolagents tells the model.
_NAME: Final = "python_interpreter"


class _Execution(running.Told):
    """One execution of code; an executor may do it by that of the class that it is made of."""

    __slots__ = ("whose",)

    # The executor, by its identity: a handle keeps none alive.
    whose: int


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes code, here, elsewhere, or as the program does it."""
    wrapper = around(_begin, _finish)[0]
    base = module.__dict__.get("PythonExecutor")
    if base is not None:
        subclasses.cover(patches, base, ("__call__",), (wrapper, wrapper))
        return "PythonExecutor.__call__"
    # Before 1.12.
    owner = module.__dict__.get("LocalPythonInterpreter")
    if owner is None or "__call__" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.PythonExecutor.__call__")
    patches.wrap(owner, "__call__", wrapper)
    return "LocalPythonInterpreter.__call__"


def _begin(executor: Any, args: Any, kwargs: Any) -> Handle | None:
    outer = ctx.current().get(ctx.STEP)
    if isinstance(outer, _Execution) and outer.whose == id(executor) and not outer.ended:
        return None
    if not running.shown():
        return None
    code = argument(args, kwargs, 0, "code_action")
    handle = steps.begin(pipeline.tool(_NAME, arguments={"code": code}), made=_Execution)
    if isinstance(handle, _Execution):
        handle.whose = id(executor)
    return handle


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not handle.wants_content:
        return
    told = wire.items(result)
    if told:
        # Before 1.21 it is a tuple.
        output, logs = (*told, None)[:2]
    else:
        output, logs = (statics.member(result, name) for name in ("output", "logs"))
    found: dict[str, Any] = {}
    if output is not None and not statics.iterates(output):
        found["output"] = reading.plain(output)
    if type(logs) is str and logs:
        found["logs"] = logs
    handle.set_result(found)
