"""Modules: which of them are agents, which one is the program, and which are its parts.

An agent is one of DSPy's loops of a model and tools. A module of a class that the program wrote is
its own process, a workflow, if it is the outermost one: what is in it are its parts. ``Predict``,
``ChainOfThought`` and their kind are calls of a model, and no step.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from otelier import pipeline, statics
from otelier.declared import Step
from otelier.frameworks.dspy import leaving, methods, reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around

_AGENT: Final = "agent"
_PROGRAM: Final = "program"
_PART: Final = "part"

# By the class of DSPy's that a module is, or is made of.
_ROLES: Final = {
    ("dspy.predict.react", "ReAct"): _AGENT,
    ("dspy.predict.react_v2", "ReActV2"): _AGENT,
    ("dspy.predict.code_act", "CodeAct"): _AGENT,
    ("dspy.predict.program_of_thought", "ProgramOfThought"): _AGENT,
    ("dspy.predict.rlm", "RLM"): _AGENT,
    ("dspy.predict.avatar.avatar", "Avatar"): _AGENT,
    # What the program wrote.
    ("dspy.primitives.module", "Module"): _PROGRAM,
    ("dspy.primitives.program", "Module"): _PROGRAM,
    # These run a module several times, or several modules.
    ("dspy.predict.refine", "Refine"): _PROGRAM,
    ("dspy.predict.best_of_n", "BestOfN"): _PROGRAM,
    ("dspy.teleprompt.ensemble", "Ensemble.compile.<locals>.EnsembledProgram"): _PROGRAM,
}
_roles: Final[WeakKeyDictionary[type, str]] = WeakKeyDictionary()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what calls a module; in older versions it is in a module of another name."""
    owner = module.__dict__.get("Module")
    if owner is None and "BaseModule" in module.__dict__:
        return "Module, where it is made"
    if owner is None or "__call__" not in owner.__dict__:
        raise LookupError(f"{module.__name__}.Module.__call__")
    run, arun = around(_begin, _finish, leaving.blame)
    for method in ("__call__", "acall"):
        if method in owner.__dict__:
            methods.replace(patches, owner, method, run, arun)
    return "Module.__call__"


def _role(kind: type) -> str:
    role = _roles.get(kind)
    if role is None:
        role = _roles[kind] = _ROLES.get(reading.nearest(kind), _PART)
    return role


def _begin(module: Any, args: Any, kwargs: Any) -> Handle | None:
    kind = type(module)
    role = _role(kind)
    if role is _PART or (role is _PROGRAM and running.in_program()):
        return _inner(kind)
    if not running.shown():
        return None
    agent = role is _AGENT
    handle = running.begin(
        _agent(module) if agent else pipeline.workflow(_name(kind)), program=True
    )
    if handle is not None and handle.wants_content:
        handle.set_arguments(reading.named(statics.on_class(kind, "forward"), args, kwargs))
        if agent:
            handle.set_system(reading.instructions(module))
            tools = statics.member(module, "_user_tools", statics.member(module, "tools"))
            handle.set_tools(reading.definitions(tools))
    return handle


def _agent(module: Any) -> Step:
    """An agent's name is that of the class that the program wrote, of the agent or of its task."""
    return pipeline.agent(_name(type(module)) or reading.signature_name(module))


def _name(kind: type) -> str | None:
    """The name of a class of the program's; one of DSPy's is the name of a type."""
    return None if reading.of_dspy(kind) else statics.name(kind)


def _inner(kind: type) -> Handle | None:
    if not running.inner():
        return None
    return running.begin(pipeline.step(statics.name(kind)), program=running.in_program())


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if not isinstance(handle, Handle) or handle.scope is None or not handle.wants_content:
        return
    if result is None or statics.iterates(result):
        return
    answer = reading.answer(result)
    handle.set_output(answer) if type(answer) is str else handle.set_result(answer)
