"""``mistralai``'s loop of a conversation and the functions it calls (``run_async`` and alike).

``extra.run.context`` runs each function by ``create_function_result``, which makes an answer for
the model of what it gave.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from otelier import wire
from otelier.handle import Handle, NoHandle
from otelier.hooks import calling, runners
from otelier.hooks.native import Silent
from otelier.hooks.patching import Patches


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module of the loop's context; what was patched. Raises LookupError."""
    if "create_function_result" not in module.__dict__:
        raise LookupError(f"{module.__name__}.create_function_result")
    runners.patch_tool(module, "create_function_result", _begin, _finish, patches, _blame)
    return f"{module.__name__}.create_function_result"


def native(module: Any, patches: Patches) -> str | None:
    """``mistralai``'s loop of functions: no spans of its own for those, which are always made."""
    tools = sys.modules.get(module.__name__.removesuffix("context") + "tools")
    if not hasattr(tools, "trace"):
        return None
    patches.replace(tools, "trace", SimpleNamespace(get_tracer=lambda name: Silent()))
    return f"switched off: {module.__name__.removesuffix('context')}tools.trace"


def _begin(_: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    call = wire.fields(calling.argument(args, kwargs, 0, "function_call"))
    run = wire.fields(calling.argument(args, kwargs, 1, "run_tool"))
    function = wire.fields(wire.fields(run.get("tool")).get("function"))
    said = function.get("description")
    called = run.get("callable") or run.get("awaitable")
    # The loop has no span of its own, by which the tool's would be found.
    return runners.open_tool(
        _begin, call["name"], call.get("tool_call_id"), call["arguments"], said, called
    )


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    text = wire.fields(result).get("result")
    # The loop makes a text of an exception, if it is to go on.
    failed = isinstance(text, str) and text.startswith("Error while executing ")
    runners.close_tool(handle, failed, text)


def _blame(error: BaseException) -> BaseException:
    """What the function raised: the SDK raises an error of its own from it."""
    return (error.__cause__ if type(error).__name__ == "RunException" else None) or error
