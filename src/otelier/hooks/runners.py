"""Tool runners of SDKs: an agent span around the loop, and a span around each tool that it runs."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from otelier import context as ctx
from otelier import guard, pipeline, runtime, semconv, wire
from otelier.declared import Step
from otelier.executed import Executed
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Blame, Close, Open, Wrapper, around, itself
from otelier.kinds import AGENT
from otelier.returned import leave

# The open run of each runner: tools that run outside of its loop are its children too.
_runs: weakref.WeakKeyDictionary[Any, Handle | NoHandle] = weakref.WeakKeyDictionary()


class _Run(Step):
    """One run of a runner's loop. Its agent has no name: nobody gave it one."""

    __slots__ = ("_model", "_runner")

    def __init__(self, runner: Any, model: Callable[[], Any]) -> None:
        super().__init__(AGENT, None, {}, {"capture": False})
        self._runner = weakref.ref(runner)
        self._model = model

    def start(
        self,
        default_name: str | None = None,
        parent: Context | None = None,
        function: Any = None,
        made: type[Handle] = Handle,
    ) -> Handle | NoHandle:
        try:
            model = self._model()
            if isinstance(model, str) and model:
                self._attributes[semconv.REQUEST_MODEL] = model
        except Exception:
            guard.failed("runners.model")
        handle = super().start(parent=parent)
        handle.mirror()
        runner = self._runner()
        if runner is not None:
            _runs[runner] = handle
        return handle

    def _parent(self, called: Context) -> Context:
        """A runner works where it is read; where nothing runs there, it belongs to who made it."""
        here = ctx.current()
        return here if get_current_span(here).get_span_context().is_valid else called


def loop(model: Callable[[Any, Any, Any], Any], foreign: Callable[[Any], bool]) -> Wrapper:
    """A wrapper of a generator function that is a runner's loop, synchronous or not.

    ``model`` finds the model that the runner asks; ``foreign`` says that the SDK's own telemetry
    shows this runner.
    """

    def run(wrapped: Callable[..., Any], runner: Any, args: Any, kwargs: Any) -> Any:
        try:
            function = wrapped
            if runtime.current() is not None and not foreign(runner):
                function = _Run(runner, lambda: model(runner, args, kwargs))(wrapped)
        except Exception:
            guard.failed("runners.loop")
        return function(*args, **kwargs)

    return run


def open_tool(
    runner: Any,
    name: Any,
    call_id: Any,
    arguments: Any,
    description: Any = None,
    function: Any = None,
) -> Handle | NoHandle | None:
    """Begin a tool's span, as a child of its runner's run; ``function`` is what that will call."""
    if runtime.current() is None:
        return None
    run = _runs.get(runner)
    token = None
    if isinstance(run, Handle) and not run.ended and ctx.current().get(ctx.SCOPE) is not run.scope:
        token = run.enter()
    try:
        handle: Handle | NoHandle = pipeline.tool(
            name if isinstance(name, str) else "",
            description=description if isinstance(description, str) else None,
            call_id=call_id if isinstance(call_id, str) else None,
            arguments=arguments,
        ).start(made=Executed)
        if isinstance(handle, Executed):
            handle.function = function
        return handle
    finally:
        leave(token)


def note_failure(error: BaseException) -> None:
    """Keep what the tool that runs has raised, for :func:`close_tool`."""
    around: Any = ctx.current().get(ctx.STEP)
    if isinstance(around, Executed):
        around.error = error


def close_tool(handle: Handle | NoHandle, failed: bool, content: Any) -> None:
    """End a tool's span; ``content`` is its result, or what the model is told of its failure."""
    told, error = False, None
    if isinstance(handle, Executed):
        told, error = handle.told, handle.error
    if not failed:
        if content is not None and not told:
            handle.set_result(content)
        handle.end()
    elif error is not None:
        handle.end(error)
    else:
        handle.fail("tool_error", _text(content), told=True)


def _text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    texts = [wire.text(wire.fields(block).get("text")) for block in wire.items(content)]
    return " ".join(text for text in texts if text) or None


def patch_tool(
    owner: Any,
    method: str,
    begin: Open,
    finish: Close,
    patches: Patches,
    blame: Blame = itself,
) -> None:
    """Wrap a method that executes a tool, synchronous or not."""
    run, arun = around(begin, finish, blame)
    is_async = inspect.iscoroutinefunction(owner.__dict__[method])
    patches.wrap(owner, method, arun if is_async else run)
