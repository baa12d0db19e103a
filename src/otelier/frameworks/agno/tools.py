"""Tools: where one is executed. One that answers piece by piece lasts until that is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final

from otelier import guard, pipeline, statics
from otelier.executed import Executed
from otelier.frameworks import steps
from otelier.frameworks.agno import reading
from otelier.handle import Handle, NoHandle
from otelier.hooks import runners
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.returned import Hear

_STREAMS: Final = (GeneratorType, AsyncGeneratorType)
# Characters of an answer in pieces that are kept.
_MOST: Final = 1 << 20
# By which a tool ends its agent's run: it has not failed.
_STOPS: Final = ("agno.exceptions", "StopAgentRun")


class _Tool(Executed):
    """A tool's execution, and what it says piece by piece."""

    __slots__ = ("call", "room", "said")

    call: Any
    said: list[str]
    room: int

    def _sum_up(self) -> None:
        if self.said and not self.told:
            self.set_result("".join(self.said))
        super()._sum_up()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what executes a tool, and what is told of the exceptions that Agno keeps to itself."""
    owner = module.__dict__.get("FunctionCall")
    if owner is None or "execute" not in owner.__dict__:
        raise LookupError("agno.tools.function.FunctionCall.execute")
    run, arun = around(_begin, _finish, _blame, pending=_pending, hearing=_hearing)
    patches.wrap(owner, "execute", run)
    patches.wrap(owner, "aexecute", arun)
    if "log_exception" in module.__dict__:
        patches.wrap(module, "log_exception", _logged)
    return "FunctionCall.execute"


def _begin(call: Any, args: Any, kwargs: Any) -> Handle | None:
    if not reading.shown():
        return None
    # Models of pydantic's: what they hold is all in one place.
    held = statics.storage(call)
    function = statics.storage(held.get("function"))
    step = pipeline.tool(
        reading.told(function.get("name")) or "",
        description=reading.told(function.get("description")),
        call_id=reading.told(held.get("call_id")),
        arguments=held.get("arguments"),
    )
    handle = steps.begin(step, made=_Tool)
    if isinstance(handle, _Tool):
        handle.function = function.get("entrypoint")
        handle.call, handle.said, handle.room = call, [], _MOST
    return handle


def _pending(handle: Handle | NoHandle, outcome: Any) -> tuple[Any, Callable[[Any], None]] | None:
    """What a tool goes on to say, of what Agno gives back."""
    stream = statics.storage(outcome).get("result")
    if not isinstance(handle, _Tool):
        return None
    call, handle.call = handle.call, None
    if type(stream) not in _STREAMS:
        return None

    def put(ours: Any) -> None:
        # Agno reads one or the other.
        outcome.result = call.result = ours

    return stream, put


def _hearing(handle: Handle | NoHandle) -> Hear:
    return partial(_hear, handle) if isinstance(handle, _Tool) and handle.wants_content else None


def _hear(handle: _Tool, piece: Any) -> None:
    if type(piece) is str and handle.room > 0:
        handle.said.append(piece)
        handle.room -= len(piece)


def _finish(handle: Handle | NoHandle, outcome: Any) -> None:
    held = statics.storage(outcome)
    if isinstance(handle, _Tool) and held.get("status") == "failure":
        error = handle.error
        if error is None:
            handle.fail("tool_error", reading.told(held.get("error")), told=True)
        else:
            handle.end(error)
        return
    result = held.get("result")
    told = isinstance(handle, Executed) and handle.told
    if result is not None and not told and handle.wants_content:
        handle.set_result(result)


def _blame(error: BaseException) -> BaseException | None:
    return None if statics.identity(type(error)) == _STOPS else error


def _logged(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    try:
        if args and issubclass(type(args[0]), BaseException):
            runners.note_failure(args[0])
    except Exception:
        guard.failed("agno.logged")
    return wrapped(*args, **kwargs)
