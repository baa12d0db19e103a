"""What a function is given and what it gives back, as the kernel's filters leave it."""

from __future__ import annotations

from typing import Any

from otelier import context as ctx
from otelier import guard, statics
from otelier.executed import Executed
from otelier.frameworks.semantic_kernel import reading
from otelier.frameworks.semantic_kernel.functions import CALLED, Called
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_SEAM = "construct_call_stack"
_FUNCTION = "function_invocation"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what puts the filters around a function; it is made where the function's span is."""
    owner = getattr(module, "KernelFilterExtension", None)
    if owner is None or _SEAM not in owner.__dict__:
        raise LookupError(f"KernelFilterExtension.{_SEAM}")
    patches.wrap(owner, _SEAM, _stack)
    return f"KernelFilterExtension.{_SEAM}"


def _stack(wrapped: Any, kernel: Any, args: Any, kwargs: Any) -> Any:
    stack = wrapped(*args, **kwargs)
    try:
        kind = argument(args, kwargs, 0, "filter_type")
        called = ctx.current().get(CALLED)
        if isinstance(called, Called) and statics.storage(kind).get("_value_") == _FUNCTION:
            handle = called.handle
            if isinstance(handle, Executed) and handle.wants_content:
                return _told(stack, called, handle)
    except Exception:
        guard.failed("semantic_kernel.stack")
    return stack


def _told(stack: Any, called: Called, handle: Executed) -> Any:
    async def run(context: Any) -> None:
        mine = False
        try:
            held = statics.storage(context)
            # The context may be that of a function of which nothing is shown.
            mine = held.get("function") is called.function
            if mine:
                handle.set_arguments(_arguments(called.function, held.get("arguments")))
        except Exception:
            guard.failed("semantic_kernel.arguments")
        await stack(context)
        try:
            value = statics.storage(statics.storage(context).get("result")).get("value")
            if mine and value is not None and not handle.told and not statics.iterates(value):
                handle.set_result(reading.result(value))
        except Exception:
            guard.failed("semantic_kernel.result")

    return run


def _arguments(function: Any, given: Any) -> dict[str, Any]:
    """Those that are the function's own: the framework hands on all that it has."""
    if not issubclass(type(given), dict):
        return {}
    names = [name for each in reading.parameters(function) if (name := each.get("name"))]
    return {name: dict.__getitem__(given, name) for name in names if dict.__contains__(given, name)}
