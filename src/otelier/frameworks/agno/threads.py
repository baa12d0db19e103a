"""What an agent learns beside its run, in threads that it keeps: the calls belong to that run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from otelier import guard
from otelier.hooks import threads
from otelier.hooks.patching import Patches

_NAME = "background_executor"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what makes the threads of an agent, and the function that does for a team."""
    owner = module.__dict__.get("Agent")
    # The modules of the others have it, too.
    own_class = owner is not None and owner.__module__ == module.__name__
    made = owner.__dict__.get(_NAME) if own_class else None
    if type(made) is property and made.fget is not None:
        own = made.fget
        patches.replace(
            owner, _NAME, property(lambda agent: _carrying(own(agent)), doc=own.__doc__)
        )
    elif _NAME in module.__dict__:
        patches.wrap(module, _NAME, _given)
    else:
        raise LookupError(f"{module.__name__}.{_NAME}")
    return f"{module.__name__}.{_NAME}"


def _given(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    return _carrying(wrapped(*args, **kwargs))


def _carrying(pool: Any) -> Any:
    try:
        if "submit" not in pool.__dict__:
            pool.submit = _submit(ref(pool), type(pool).submit)
    except Exception:
        guard.failed("agno.threads")
    return pool


def _submit(pool: Callable[[], Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    def submit(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return theirs(pool(), threads.carried(function), *args, **kwargs)

    return submit
