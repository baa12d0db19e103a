"""Generators of the framework's, in which spans are current.

The framework makes its spans current in generators that the program reads: without us they are
current in the program's own loop, too. Here they are where the generator's own code runs, and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from types import AsyncGeneratorType
from typing import Any, TypeAlias

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, leaving, runtime
from otelier.handle import Handle, NoHandle
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import Wrapper, around
from otelier.returned import apieces

# Begins the step of a generator, or gives the context in which its code is to run.
Begin: TypeAlias = Callable[[], "Handle | NoHandle | Context | None"]
_SEAM = "invoke_stream"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap the generator that runs a function."""
    function = getattr(module, "KernelFunction", None)
    if function is None or _SEAM not in function.__dict__:
        raise LookupError(f"KernelFunction.{_SEAM}")
    patches.wrap(function, _SEAM, contained)
    return f"KernelFunction.{_SEAM}"


def contained(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    """A wrapper of a generator function whose spans are to be nowhere but in its own code."""
    inner = wrapped(*args, **kwargs)
    return inner if runtime.current() is None else read(inner, lambda: None)


def read(inner: Any, begin: Begin) -> Any:
    """A generator in the place of ``inner``, in what ``begin`` begins when it is read."""
    if type(inner) is not AsyncGeneratorType:
        return inner
    held = [inner]

    def opened() -> tuple[Any, Any, None]:
        begun = None
        try:
            begun = begin()
        except Exception:
            guard.failed("semantic_kernel.streams")
        return _Within(begun), held.pop(), None

    ours: Any = apieces(opened)
    try:
        ours.__name__, ours.__qualname__ = inner.__name__, inner.__qualname__
    except Exception:
        guard.failed("semantic_kernel.named")
    return ours


def within(look: Callable[[Any, Any, Any], Context | None]) -> Wrapper:
    """The wrapper of a coroutine function that runs in what ``look(owner, args, kwargs)`` gives."""

    def begin(owner: Any, args: Any, kwargs: Any) -> NoHandle | None:
        found = None if runtime.current() is None else look(owner, args, kwargs)
        return None if found is None else _Within(found)

    return around(begin, lambda handle, result: None)[1]


class _Within(NoHandle):
    """What is current in a generator's own code: a step, if one was begun, and what is opened."""

    holds = True

    def __init__(self, begun: Handle | NoHandle | Context | None) -> None:
        self._handle = begun if isinstance(begun, Handle) else None
        self._inside = begun if isinstance(begun, Context) else ctx.current()
        if self._handle is not None:
            self._inside = self._handle.context

    def enter(self) -> Callable[[], None]:  # type: ignore[override]
        outside = ctx.current()
        ctx.attach(self._inside)

        def leave() -> None:
            self._inside = ctx.current()
            ctx.attach(outside)

        return leave

    def end(self, error: BaseException | None = None) -> None:
        if self._handle is not None:
            self._handle.end(error)

    def left(self, how: str = leaving.CLOSED) -> None:
        if self._handle is not None:
            self._handle.left(how)
