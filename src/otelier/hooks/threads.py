"""Work that a program hands to threads keeps the parent that was current where it was handed over.

Opt-in (``OTELIER_THREADS``; ``otelier run`` opts in): without it nothing here is patched. Pools of
``concurrent.futures`` and ``multiprocessing.pool``, ``loop.run_in_executor`` by them, and threads.
Where nothing is current nothing is carried; what carries a context itself (``asyncio.to_thread``,
``contextvars.copy_context().run``) keeps its own, which is entered later.

A pool's own threads carry nothing, nor do those that export: they outlive the work in which the
first of them started.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Final

import wrapt
from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime
from otelier.hooks.patching import Patches

# Modules whose threads serve whatever comes.
_POOLS: Final = frozenset(
    {"concurrent.futures.thread", "multiprocessing.pool"}
    | {"concurrent.futures.process", "multiprocessing.queues"}
)
# Packages with such threads: what these are handed brings its own context, or has none.
_POOL_PACKAGES: Final = frozenset(
    {"anyio", "apscheduler", "distributed", "joblib", "kafka", "loky", "pymongo", "trio"}
)
# Packages whose threads export, whenever the first of them starts.
_TELEMETRY: Final = frozenset(
    {"opentelemetry", "otelier", "ddtrace", "langfuse", "langsmith", "logfire", "mlflow"}
    | {"newrelic", "posthog", "sentry_sdk", "traceloop", "wandb"}
)
_POOL: Final = "ThreadPoolExecutor"
_POOL_METHODS: Final = ("apply_async", "_map_async", "imap", "imap_unordered")
# Its work goes to another interpreter, by pickle (Python 3.14).
_ELSEWHERE: Final = "concurrent.futures.interpreter"


class _Carried:
    """A function of the program's, with the context to call it in."""

    __slots__ = ("_context", "_function")

    def __init__(self, function: Callable[..., Any], context: Context) -> None:
        self._function = function
        self._context = context

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = ctx.attach(self._context)
        try:
            return self._function(*args, **kwargs)
        finally:
            ctx.detach(token)


def carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, to be called elsewhere in what is current here; itself where nothing is."""
    here = runtime.here()
    return _Carried(function, here) if here else function


def carry_in(module: Any, patches: Patches) -> str:
    """Put a pool that carries in the place of a module's own; what was patched.

    For a library that keeps its work's context to itself. Raises LookupError where the module has
    no pool, or another instrumentation's function stands there, which does the same.
    """
    pool = module.__dict__.get(_POOL)
    if not isinstance(pool, type):
        raise LookupError(f"{module.__name__}.{_POOL}")
    patches.replace(module, _POOL, _made(pool))
    return f"{module.__name__}.{_POOL}"


def _made(pool: Any) -> type:
    def submit(self: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return pool.submit(self, carried(function), *args, **kwargs)

    return type(_POOL, (pool,), {"__module__": pool.__module__, "submit": submit})


class _Run:
    """In the place of a thread's ``run``, until the thread runs."""

    __slots__ = ("_context", "_thread")

    def __init__(self, thread: Any, context: Context) -> None:
        self._thread = thread
        self._context = context

    def __call__(self) -> None:
        thread, context = self._thread, self._context
        _forget(thread, self)
        token = ctx.attach(context)
        try:
            thread.run()
        finally:
            ctx.detach(token)


def _forget(thread: Any, run: Any) -> None:
    if thread.__dict__.get("run") is run:
        del thread.__dict__["run"]


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a module of the standard library; what was patched. Raises LookupError."""
    if module.__name__ == "threading":
        # What gevent has put in its place has the ``start`` of the one that was there.
        owner = next((kind for kind in module.Thread.__mro__ if "start" in kind.__dict__), None)
        if owner is None:
            raise LookupError("threading.Thread.start")
        patches.wrap(owner, "start", _start)
        return "threading.Thread.start"
    if module.__name__ == "concurrent.futures.thread":
        patches.wrap(module.ThreadPoolExecutor, "submit", _submit)
        return f"{module.__name__}.ThreadPoolExecutor.submit"
    for name in _POOL_METHODS:
        if name not in module.Pool.__dict__:
            raise LookupError(f"{module.__name__}.Pool.{name}")
        # Pools of processes inherit the same, which send the function by pickle.
        patches.add(
            module.ThreadPool, name, wrapt.FunctionWrapper(module.Pool.__dict__[name], _submit)
        )
    return f"{module.__name__}.ThreadPool.{{{','.join(_POOL_METHODS)}}}"


def _submit(wrapped: Callable[..., Any], pool: Any, args: Any, kwargs: Any) -> Any:
    try:
        here = runtime.here()
        if here and not any(kind.__module__ == _ELSEWHERE for kind in type(pool).__mro__):
            if args:
                args = (_Carried(args[0], here), *args[1:])
            elif "func" in kwargs:
                kwargs = {**kwargs, "func": _Carried(kwargs["func"], here)}
    except Exception:
        guard.failed("threads.submit")
    return wrapped(*args, **kwargs)


def _start(wrapped: Callable[..., Any], thread: Any, args: Any, kwargs: Any) -> Any:
    run = None
    try:
        run = _carry(thread)
    except Exception:
        guard.failed("threads.start")
    try:
        return wrapped(*args, **kwargs)
    except BaseException:
        # It did not start.
        if run is not None:
            _forget(thread, run)
        raise


def _carry(thread: Any) -> _Run | None:
    here = runtime.here()
    members = thread.__dict__
    # Not where the program has put a ``run`` there itself.
    if not here or "run" in members or _serves_all(members.get("_target")):
        return None
    if _lasts(str(type(thread).__module__)):
        return None
    members["run"] = run = _Run(thread, here)
    return run


def _serves_all(target: Any) -> bool:
    """Whether a thread's function is one that outlives the work in which it is started."""
    if type(target) is MethodType:
        target = target.__func__
    if type(target) is not FunctionType:
        return False
    return _lasts(str(target.__module__))


def _lasts(module: str) -> bool:
    package = module.partition(".")[0]
    return module in _POOLS or package in _POOL_PACKAGES or package in _TELEMETRY
