"""``google.genai``'s automatic function calling: a span around each function that it runs.

The SDK hands each answer to ``_extra_utils.get_function_response_parts{,_async}``, which runs the
calls in it, one by one, by ``invoke_function_from_dict_args{,_async}`` or, of MCP servers, by
``McpToGenAiToolAdapter.call_tool``. The loop around it: :mod:`otelier.sdks.google_genai.loops`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

from otelier import guard, wire
from otelier.handle import Handle, NoHandle
from otelier.hooks import calling, runners
from otelier.hooks.patching import Patches

# The function calls of the answer that is being worked on, which no tool was run for yet.
_asked: ContextVar[list[Any] | None] = ContextVar("otelier_google_genai_calls", default=None)
_EMPTY: Final[list[Any]] = []


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the module that runs functions; what was patched. Raises LookupError."""
    if not {"get_function_response_parts", "invoke_function_from_dict_args"} <= vars(module).keys():
        raise LookupError(f"{module.__name__}.get_function_response_parts")
    patches.wrap(module, "get_function_response_parts", _answer)
    if "get_function_response_parts_async" in vars(module):
        patches.wrap(module, "get_function_response_parts_async", _aanswer)
    for name in ("invoke_function_from_dict_args", "invoke_function_from_dict_args_async"):
        if name in vars(module):
            runners.patch_tool(module, name, _function, _result, patches, _blame)
    adapter = getattr(module, "McpToGenAiToolAdapter", None)
    if adapter is not None and "call_tool" in adapter.__dict__:
        runners.patch_tool(adapter, "call_tool", _remote, _answered, patches)
    return f"{module.__name__}.{{get_function_response_parts,invoke_function_from_dict_args}}"


def _calls(args: Any, kwargs: Any) -> list[Any]:
    try:
        answer = wire.fields(calling.argument(args, kwargs, 0, "response"))
        for candidate in wire.items(answer.get("candidates"))[:1]:
            content = wire.fields(wire.fields(candidate).get("content"))
            parts = [wire.fields(part) for part in wire.items(content.get("parts"))]
            return [part["function_call"] for part in parts if part.get("function_call")]
    except Exception:
        guard.failed("google_genai_tools.calls")
    return []


def _answer(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    token = _asked.set(_calls(args, kwargs))
    try:
        return wrapped(*args, **kwargs)
    finally:
        _asked.reset(token)


async def _aanswer(wrapped: Callable[..., Awaitable[Any]], _: Any, args: Any, kwargs: Any) -> Any:
    token = _asked.set(_calls(args, kwargs))
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _asked.reset(token)


def _id(name: Any) -> Any:
    """The id of the next call of this function, where the model gave one."""
    asked = _asked.get() or _EMPTY
    for position, call in enumerate(asked):
        if wire.fields(call).get("name") == name:
            return wire.fields(asked.pop(position)).get("id")
    return None


def _function(_: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    function = calling.argument(args, kwargs, 1, "function_to_invoke")
    arguments = calling.argument(args, kwargs, 0, "args")
    name = function.__name__
    said = function.__doc__
    return runners.open_tool(_function, name, _id(name), arguments, said, function)


def _result(handle: Handle | NoHandle, result: Any) -> None:
    runners.close_tool(handle, False, result)


def _blame(error: BaseException) -> BaseException:
    """What the function raised: the SDK raises an error of its own from it."""
    own = type(error).__name__ == "FunctionInvocationError"
    return (error.__context__ if own else None) or error


def _remote(_: Any, args: Any, kwargs: Any) -> Handle | NoHandle | None:
    call = wire.fields(calling.argument(args, kwargs, 0, "function_call"))
    return runners.open_tool(_remote, call.get("name"), _id(call.get("name")), call.get("args"))


def _answered(handle: Handle | NoHandle, result: Any) -> None:
    raw = wire.fields(result)
    failed = raw.get("is_error", raw.get("isError"))
    runners.close_tool(handle, bool(failed), raw.get("content"))
