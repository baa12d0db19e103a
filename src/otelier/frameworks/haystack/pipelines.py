"""Pipelines: each run is a workflow, and each component in it a part of that."""

from __future__ import annotations

from typing import Any

from otelier import context as ctx
from otelier.frameworks.haystack import flows, parts
from otelier.frameworks.haystack.flows import Flow
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what runs a pipeline, and what runs one of its components."""
    # Earlier versions have a class of its own for what is asynchronous.
    apart = module.__name__.endswith("async_pipeline")
    owner = module.__dict__.get("AsyncPipeline" if apart else "Pipeline")
    held = owner.__dict__ if owner is not None else {}
    found = []
    run, arun = around(_begin, flows.finish), around(_begin_async, flows.finish)[1]
    generate = around(_begin_reading, flows.finish, lasts=True, hearing=flows.hearing)[0]
    component, acomponent = around(parts.begin, parts.finish)
    for name, wrapper in (
        # Of that class it is ``run_async`` in a loop of its own.
        *(() if apart else (("run", run[0]),)),
        ("run_async", arun),
        ("run_async_generator", generate),
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


def _begin_reading(owner: Any, args: Any, kwargs: Any) -> Flow | None:
    here = ctx.current().get(ctx.STEP)
    if type(here) is Flow and here.generates:
        # It is what ``run_async`` reads.
        here.generates = False
        return None
    return _begin(owner, args, kwargs)
