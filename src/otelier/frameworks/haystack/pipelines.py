"""Pipelines: each run is a workflow, and each component in it a part of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import context as ctx
from otelier import guard, returned
from otelier.frameworks.haystack import flows, parts
from otelier.frameworks.haystack.flows import Flow
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


class _Given(returned.Reading):
    """What a pipeline's generator gives away."""

    __slots__ = ()

    def hearing(self, handle: Handle | NoHandle) -> Callable[[Any], None] | None:
        return flows.hearing(handle)

    def result(self, handle: Handle | NoHandle, result: Any) -> None:
        return None

    def elsewhere(self, module: str) -> bool:
        return False


_GIVEN: Final = _Given()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a pipeline, and what runs one of its components."""
    # Earlier versions have a class of its own for what is asynchronous.
    apart = module.__name__.endswith("async_pipeline")
    owner = module.__dict__.get("AsyncPipeline" if apart else "Pipeline")
    held = owner.__dict__ if owner is not None else {}
    found = []
    run, arun = around(_begin, flows.finish), around(_begin_async, flows.finish)[1]
    component, acomponent = around(parts.begin, parts.finish)
    for name, wrapper in (
        # Of that class it is ``run_async`` in a loop of its own.
        *(() if apart else (("run", run[0]),)),
        ("run_async", arun),
        ("run_async_generator", _generate),
        ("_run_component", component),
        ("_run_component_async", acomponent),
    ):
        if name in held:
            patches.wrap(owner, name, wrapper)
            found.append(name)
    if not found:
        raise LookupError(f"{module.__name__}.Pipeline.run")
    return f"{owner.__name__}.{found[0]}"


def _begin(owner: Any, args: Any, kwargs: Any) -> Flow | None:
    return flows.begin(owner, argument(args, kwargs, 0, "data"))


def _begin_async(owner: Any, args: Any, kwargs: Any) -> Flow | None:
    handle = _begin(owner, args, kwargs)
    if handle is not None:
        handle.generates = True
    return handle


def _generate(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    try:
        here = ctx.current().get(ctx.STEP)
        if type(here) is Flow and here.generates:
            # It is what ``run_async`` reads.
            here.generates = False
            return result
        handle = _begin(owner, args, kwargs)
        return result if handle is None else returned.finish(result, handle, _GIVEN)
    except Exception:
        guard.failed("haystack.generate")
        return result
