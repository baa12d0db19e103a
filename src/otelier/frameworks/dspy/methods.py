"""Methods that stay functions: programs of DSPy's are copied and pickled, with what they hold."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import Any

from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper


def replace(patches: Patches, owner: Any, name: str, run: Wrapper, arun: Wrapper) -> None:
    """Put a method around one of a class: ``run``, or ``arun`` if it is a coroutine function."""
    patches.replace(owner, name, around(owner.__dict__[name], run, arun, living(patches)))


def living(patches: Patches) -> list[bool]:
    """Empty when what was patched is taken back: what others hold of it passes through then."""
    live = [True]
    patches.undone(live.clear)
    return live


def around(function: Any, run: Wrapper, arun: Wrapper, live: list[bool]) -> Any:
    """A method in the place of ``function``."""
    # By its own way: others' wrappers look at what they are bound to.
    bind = function.__get__
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def acall(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            bound = bind(self, type(self))
            if not live:
                return await bound(*args, **kwargs)
            return await arun(bound, self, args, kwargs)

        return acall

    @wraps(function)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        bound = bind(self, type(self))
        return run(bound, self, args, kwargs) if live else bound(*args, **kwargs)

    return call
