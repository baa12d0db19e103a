"""Several agents that work together: one run of an orchestration is a workflow.

``invoke`` gives back at once; the agents work in the background, by messages (``messages``). The
workflow lasts until there is a result, or none will come.
"""

from __future__ import annotations

from inspect import iscoroutinefunction
from types import FunctionType, MethodType
from typing import Any, Final
from weakref import ref

from otelier import context as ctx
from otelier import guard, leaving, statics
from otelier.frameworks.semantic_kernel import others, reading, works
from otelier.hooks.beside import Beside
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.returned import leave

_RESULT: Final = "result_callback"
_FAILED: Final = "exception_callback"


_results: Final[Beside[works.Work]] = Beside()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs an orchestration, and what cancels it."""
    base = getattr(module, "OrchestrationBase", None)
    if base is None or "invoke" not in base.__dict__:
        raise LookupError("OrchestrationBase.invoke")
    patches.wrap(base, "invoke", _invoke)
    result = getattr(module, "OrchestrationResult", None)
    if result is not None and "cancel" in result.__dict__:
        patches.wrap(result, "cancel", _cancel)
    return "OrchestrationBase.invoke"


async def _invoke(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    work, token = None, None
    try:
        run: Any = getattr(wrapped, "__func__", None)
        plain = type(run) is FunctionType and "__class__" not in run.__code__.co_freevars
        if plain and others.shown():
            work = works.begin(_name(owner), ctx.current())
            if work is not None and work.handle is not None:
                if work.handle.wants_content:
                    work.handle.set_input(reading.chat(argument(args, kwargs, 0, "task")))
                wrapped = MethodType(run, _Lent(owner, work))
                token = work.handle.enter()
    except Exception:
        guard.failed("semantic_kernel.orchestration")
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        leave(token)
        if work is not None:
            work.end(error)
        raise
    leave(token)
    if work is not None:
        _follow(result, work)
    return result


def _name(owner: Any) -> str | None:
    """Its name, if somebody gave it one: without, it is that of its class, and a number."""
    name = reading.string(owner, "name")
    made_up = name is not None and name.startswith(f"{statics.name(type(owner))}_")
    return None if made_up else name


def _follow(result: Any, work: works.Work) -> None:
    """Its end may come by other ways than an answer."""
    try:
        _results.put(result, work)
        task = statics.storage(result).get("background_task")
        held = ref(work)

        def over(task: Any) -> None:
            """What starts the work is over: has it failed, nobody will answer."""
            found = held()
            if found is None:
                return
            if task.cancelled():
                found.left(leaving.CANCELLED)
            elif task.exception() is not None:
                found.end(task.exception())

        if task is not None:
            task.add_done_callback(over)
    except Exception:
        guard.failed("semantic_kernel.follow")


def _cancel(wrapped: Any, result: Any, args: Any, kwargs: Any) -> Any:
    given = wrapped(*args, **kwargs)
    try:
        work = _results.of(result)
        if work is not None:
            work.left(leaving.CANCELLED)
    except Exception:
        guard.failed("semantic_kernel.cancel")
    return given


class _Lent:
    """An orchestration, whose callbacks are listened to; nothing is changed on the program's."""

    def __init__(self, owner: Any, work: works.Work) -> None:
        self._owner = owner
        self._work = work

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._owner, name)
        return _listening(found, self._work) if name == "_prepare" else found


def _listening(prepare: Any, work: works.Work) -> Any:
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            told, failed = kwargs.get(_RESULT), kwargs.get(_FAILED)
            if iscoroutinefunction(told):
                kwargs[_RESULT] = _answered(told, work)
            if callable(failed):  # Not in all versions.
                kwargs[_FAILED] = _failing(failed, work)
        except Exception:
            guard.failed("semantic_kernel.prepare")
        return await prepare(*args, **kwargs)

    return run


def _answered(told: Any, work: works.Work) -> Any:
    async def run(result: Any) -> None:
        handle = work.handle
        try:
            if handle is not None and handle.wants_content:
                handle.set_output(reading.chat(result))
        except Exception:
            guard.failed("semantic_kernel.answer")
        try:
            await told(result)
        except BaseException as error:
            work.end(error)
            raise
        if ctx.current().get(ctx.STEP) is handle:
            work.end()
        else:
            # A tool has told it, whose agent has not ended: the message is handled first.
            work.answered = True

    return run


def _failing(failed: Any, work: works.Work) -> Any:
    def run(error: BaseException) -> Any:
        work.end(error)
        return failed(error)

    return run
