"""Whether something failed, or nobody waits for it any longer.

The rule, for model calls, declared steps and the runs and tools of SDKs' runners alike:

- *Left* is what somebody outside of it has ended: a client that went (an ASGI server cancels the
  task, a framework raises its own word for it), a scope that was cancelled (``Task.cancel``,
  ``asyncio.timeout``, ``asyncio.wait_for``, a task group one of whose tasks failed, anyio's and
  trio's scopes, a greenlet that is killed), who stops a program or a notebook's cell by hand
  (``KeyboardInterrupt``), a generator that is closed or dropped. Its status stays
  unset, it has no ``error.type``, on spans and in metrics, and ``otelier.stream.end`` says how.
- *Failed* is what has raised anything else; also a cancellation that the program raises itself,
  while its task is not being cancelled (``raise asyncio.CancelledError``, or the result of another
  task that was cancelled).
- Of a time that ran out, what is inside sees a cancellation and is left; what is around the scope
  sees ``TimeoutError`` and has failed.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import guard, statics

CLOSED: Final = "closed"
CANCELLED: Final = "cancelled"
ABANDONED: Final = "abandoned"

# What says by itself that nobody waits. The class of trio's is one that only trio can raise.
_LEFT: Final = frozenset(
    {
        ("trio", "Cancelled"),
        # An event loop makes a cancellation of it, a notebook too in cells that await.
        ("builtins", "KeyboardInterrupt"),
        ("greenlet", "GreenletExit"),
        ("starlette.requests", "ClientDisconnect"),
        ("starlette.websockets", "WebSocketDisconnect"),
        ("django.core.exceptions", "RequestAborted"),
        # A run that the program has told to stop.
        ("agno.exceptions", "RunCancelledException"),
    }
)
_ASYNCIO: Final = ("asyncio.exceptions", "CancelledError")
# How anyio begins what it says where it cancels: in a thread of its own there is no task to ask.
_ANYIO: Final = ("Cancelled by cancel scope", "Cancelled via cancel scope")
_MOST: Final = 100
_grouped: Final = BaseExceptionGroup.__dict__["exceptions"].__get__
_args: Final = BaseException.__dict__["args"].__get__


def how(error: BaseException | None) -> str | None:
    """How something was left that ends with ``error``; None where it has failed, or is done."""
    if error is None:
        return None
    kind = type(error)
    if issubclass(kind, GeneratorExit):
        return CLOSED
    if issubclass(kind, BaseExceptionGroup):
        # Of trio's nurseries, in which each task is cancelled.
        inner = _grouped(error)
        left = len(inner) <= _MOST and all(how(each) == CANCELLED for each in inner)
        return CANCELLED if left else None
    return CANCELLED if cancelled(error) else None


def cancelled(error: BaseException) -> bool:
    """Whether ``error``, which passes now, is a cancellation from outside."""
    for base in statics.bases(type(error)):
        known = statics.identity(base)
        if known in _LEFT:
            return True
        if known == _ASYNCIO:
            return _asked_for(error)
    return False


def a_cancellation(error: BaseException) -> bool:
    """Whether ``error`` is one at all, whoever raised it."""
    return any(
        statics.identity(base) == _ASYNCIO or statics.identity(base) in _LEFT
        for base in statics.bases(type(error))
    )


def _asked_for(error: BaseException) -> bool:
    """Whether somebody cancels the task that runs."""
    said = _args(error)
    if said and type(said[0]) is str and said[0].startswith(_ANYIO):
        return True
    # Whoever has an error of asyncio's has asyncio.
    find: Any = statics.loaded("asyncio.tasks", "current_task")
    try:
        task = find() if find is not None else None
    except RuntimeError:  # No loop runs here.
        return False
    if task is None:
        return False
    asked = getattr(task, "cancelling", None)
    try:
        # A task of another kind does not say.
        return True if asked is None else asked() > 0
    except Exception:
        guard.failed("leaving.asked")
        return True
