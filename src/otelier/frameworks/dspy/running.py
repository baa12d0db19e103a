"""How all of DSPy's steps begin: unless somebody else shows them already, and in which program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.context import create_key

from otelier import context as ctx
from otelier import statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.handle import Handle
from otelier.hooks import foreign

NAME: Final = "dspy"
# Whether a program is around that has its step: the modules in it are its parts.
_INSIDE: Final = create_key("otelier-dspy-inside")
# What other instrumentations wrap: module, class, method.
_SEAMS: Final = (
    ("dspy.primitives.module", "Module", "__call__"),
    ("dspy.primitives.program", "Module", "__call__"),
    ("dspy.predict.predict", "Predict", "forward"),
    ("dspy.predict.predict", "Predict", "__call__"),
    ("dspy.predict.react", "ReAct", "forward"),
    ("dspy.clients.lm", "LM", "__call__"),
    ("dspy.clients.base_lm", "BaseLM", "__call__"),
    ("dspy.adapters.types.tool", "Tool", "__call__"),
)


def begin(step: Step, made: type[Handle] = Handle, *, program: bool) -> Handle | None:
    """Begin a step here; ``program``: the modules in it are its parts. None if nothing is seen."""
    return steps.begin(step, ctx.with_value(ctx.current(), _INSIDE, program), made=made)


def shown() -> bool:
    """Whether DSPy's steps are ours to show."""
    return steps.shown(NAME, _others)


def in_program() -> bool:
    """Whether what begins here is a part of a program, or of an agent, that has its step."""
    return ctx.current().get(_INSIDE) is True


def inner() -> bool:
    """Whether inner steps are to be seen."""
    return steps.inner_steps() and shown()


def _others() -> Iterator[Any]:
    yield from foreign.wrappers(_SEAMS)
    # Others are told by DSPy's callbacks.
    held = statics.loaded("dspy.dsp.utils.settings", "main_thread_config")
    callbacks = held.get("callbacks") if issubclass(type(held), dict) else None
    yield from callbacks if type(callbacks) is list else ()
