"""What DSPy's objects say, looked at as they are stored: nothing of the program's runs."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any, Final

from otelier import statics, wire

# What DSPy adds to what a program has asked for.
_ADDED: Final = frozenset({"trajectory", "reasoning", "rationale", "history", "termination_reason"})
# A signature that was written as a text has no name.
_UNNAMED: Final = frozenset({"StringSignature", "Signature"})


def of_dspy(kind: type) -> bool:
    """Whether a class is DSPy's own."""
    return statics.identity(kind)[0].partition(".")[0] == "dspy"


def nearest(kind: type) -> tuple[str, str]:
    """The class of DSPy's that a class is, or is made of: its module and name."""
    for base in statics.bases(kind):
        if of_dspy(base):
            return statics.identity(base)
    return ("", "")


def text(value: Any, name: str) -> str | None:
    """A stored text; None where there is none."""
    found = statics.member(value, name)
    return (found.strip() or None) if type(found) is str else None


def signature_name(module: Any) -> str | None:
    """What the program calls the task: the name of the class that it wrote of it."""
    signature = statics.member(module, "signature")
    if not issubclass(type(signature), type):
        return None
    name = statics.name(signature)
    return None if name in _UNNAMED else name


def instructions(module: Any) -> str | None:
    """The instructions of a module's signature."""
    signature = statics.member(module, "signature")
    if not issubclass(type(signature), type):
        return None
    found = statics.on_class(signature, "__doc__")
    return found if type(found) is str else None


def definitions(tools: Any) -> list[dict[str, Any]]:
    """The tools that the program gave an agent, by name, description and schema."""
    held = list(tools.values()) if type(tools) is dict else wire.items(tools)
    found = []
    for tool in held:
        name = text(tool, "name")
        if name is None or of_an_agent(tool):
            continue
        schema = statics.member(tool, "args")
        defined: dict[str, Any] = {"name": name, "description": text(tool, "desc")}
        if type(schema) is dict:
            defined["parameters"] = {"type": "object", "properties": schema}
        found.append(defined)
    return found


def of_an_agent(tool: Any) -> bool:
    """Whether a tool is one of DSPy's agents' own, by which the model says that it is done."""
    function = statics.member(tool, "func")
    if type(function) is not FunctionType:
        return False
    return str(function.__module__).startswith("dspy.predict.")


def named(function: Any, args: Any, kwargs: Any) -> Mapping[str, Any]:
    """Arguments by their names, as a method of a program's takes them."""
    if not args:
        return dict(kwargs)
    names: tuple[str, ...] = ()
    if type(function) is FunctionType:
        code = function.__code__
        names = code.co_varnames[1 : code.co_argcount]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def stored(prediction: Any) -> dict[str, Any] | None:
    """The fields of a prediction; None of anything else."""
    for base in statics.bases(type(prediction)):
        if statics.name(base) == "Prediction" and of_dspy(base):
            held = statics.member(prediction, "_store")
            return dict(held) if type(held) is dict else None
    return None


def answer(result: Any) -> Any:
    """What a program has answered: the text, if that is all, or the fields."""
    if type(result) is tuple and result and stored(result[0]) is not None:
        # An optimizer has put what it traces beside it.
        result = result[0]
    fields = stored(result)
    if fields is None:
        return result
    asked = {name: value for name, value in fields.items() if name not in _ADDED}
    if len(asked) == 1:
        (only,) = asked.values()
        if type(only) is str:
            return only
    return asked
