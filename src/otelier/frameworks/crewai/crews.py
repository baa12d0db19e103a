"""Crews: each run is a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otelier import context as ctx
from otelier import pipeline, runtime, statics
from otelier.frameworks.crewai import reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a crew: not ``kickoff_async``, which is ``kickoff`` in a thread."""
    owner = module.__dict__.get("Crew")
    if owner is None or "kickoff" not in owner.__dict__:
        raise LookupError("crewai.crew.Crew.kickoff")
    run, arun = around(_begin, _finish)
    patches.wrap(owner, "kickoff", run)
    if "akickoff" in owner.__dict__:
        patches.wrap(owner, "akickoff", arun)
    if "replay" in owner.__dict__:
        patches.wrap(owner, "replay", around(_again, _finish)[0])
    stream = getattr(module.__dict__.get("create_chunk_generator"), "__code__", None)
    # Newer versions take the context along themselves.
    if stream is not None and "copy_context" not in stream.co_names:
        patches.wrap(module, "create_chunk_generator", _stream)
    return "Crew.kickoff"


def _stream(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """A stream's crew runs in a thread: it belongs where the program has asked for it."""
    if len(args) < 2 or runtime.current() is None:
        return wrapped(*args, **kwargs)
    run, asked = args[1], ctx.current()

    def there() -> Any:
        token = ctx.attach(asked)
        try:
            return run()
        finally:
            ctx.detach(token)

    return wrapped(args[0], there, *args[2:], **kwargs)


def _begin(crew: Any, args: Any, kwargs: Any) -> Handle | None:
    # With these it only makes the crew that it is to be, or a stream, and runs that.
    if statics.member(crew, "stream") is True or restores(kwargs) or not running.shown():
        return None
    handle = running.begin(pipeline.workflow(_name(crew)))
    if handle is not None and handle.wants_content:
        inputs = argument(args, kwargs, 0, "inputs")
        if inputs:
            handle.set_arguments(inputs)
    return handle


def _again(crew: Any, args: Any, kwargs: Any) -> Handle | None:
    return running.begin(pipeline.workflow(_name(crew))) if running.shown() else None


def _name(crew: Any) -> str | None:
    """The crew's name. Its default is none."""
    name = reading.text(crew, "name")
    return None if name == "crew" else name


def restores(kwargs: Any) -> bool:
    """Whether a run is that of another object, which is made of a checkpoint."""
    checkpoint = kwargs.get("from_checkpoint")
    return checkpoint is not None and statics.member(checkpoint, "restore_from") is not None


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    answer = statics.member(result, "raw")
    if type(answer) is str and answer:
        handle.set_output(answer)
