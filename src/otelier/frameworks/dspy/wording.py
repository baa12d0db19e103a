"""What a model is told of a tool that has failed: the first frames of its traceback.

Ours are not for the model to read: it is asked what it is asked without otelier.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

from otelier import guard
from otelier.hooks.patching import Patches

# What makes a text of an error, by the module that has it; others have it from there.
_FORMATTERS: Final = {
    "dspy.utils.exceptions": "format_error_for_lm",
    "dspy.predict.react": "_fmt_exc",
}
_OURS: Final = __name__.partition(".")[0]
_MOST: Final = 1000
_members: Final = BaseExceptionGroup.__dict__["exceptions"].__get__


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what makes a text of an error, wherever it is called by its name."""
    name = _FORMATTERS.get(module.__name__, "")
    function = module.__dict__.get(name)
    if function is None:
        raise LookupError(f"{module.__name__}.{name}")
    for holder, held in list(sys.modules.items()):
        if (
            holder.startswith("dspy.")
            and type(held) is ModuleType
            and _is(held.__dict__.get(name), function)
        ):
            patches.wrap(held, name, _format)
    return name


def _is(held: Any, function: Any) -> bool:
    """Whether this is the function, or what is left of an earlier wrapper of it."""
    for _ in range(10):
        if held is None or held is function:
            break
        held = getattr(held, "__wrapped__", None)
    return held is not None


def _format(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    try:
        error = args[0] if args else kwargs.get("error", kwargs.get("err"))
        for each in _chain(error):
            _without_ours(each)
    except Exception:
        guard.failed("dspy.wording")
    return wrapped(*args, **kwargs)


def _chain(error: Any) -> Iterator[BaseException]:
    """The error, those that it is raised from, and those that it is a group of."""
    seen: set[int] = set()
    waiting = [error]
    while waiting and len(seen) < _MOST:
        each = waiting.pop()
        if not issubclass(type(each), BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        if issubclass(type(each), BaseExceptionGroup):
            waiting += _members(each)


def _without_ours(error: BaseException) -> None:
    first = error.__traceback__
    while first is not None and _is_ours(first):
        first = first.tb_next
    if first is not error.__traceback__:
        error.__traceback__ = first
    for _ in range(_MOST):
        if first is None:
            break
        below = first.tb_next
        while below is not None and _is_ours(below):
            below = below.tb_next
        if below is not first.tb_next:
            first.tb_next = below
        first = below


def _is_ours(frame: Any) -> bool:
    name = frame.tb_frame.f_globals.get("__name__")
    return type(name) is str and name.partition(".")[0] == _OURS
