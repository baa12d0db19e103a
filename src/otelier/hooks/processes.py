"""Work that a program hands to other processes keeps the parent that was current there.

Opt-in, with that of threads (``OTELIER_THREADS``; ``otelier run`` opts in). Pools of
``concurrent.futures`` and ``multiprocessing.pool`` send each piece of work by pickle: what is sent
is the program's function with the trace, the session and the capture scope that were current. A
process of its own is forked with them, or takes them along where it is spawned.

A pool's processes themselves carry nothing, nor does a manager's: they outlive the work in which
the first of them started, and one that is forked would have it for a parent for ever.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otelier import context as ctx
from otelier import guard, runtime
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes
from otelier.sessions import arrived, told
from otelier.setting_texts import Capture
from otelier.tightening import narrowed

# Modules, and whole packages, whose processes serve whatever comes.
_LASTING: Final = frozenset(
    {"concurrent.futures.process", "multiprocessing.pool", "multiprocessing.managers"}
)
_LASTING_PACKAGES: Final = frozenset(
    {"distributed", "granian", "hypercorn", "joblib", "loky", "mpire", "pebble", "uvicorn"}
)
# Between processes of one program, whatever it sends to others (``OTEL_PROPAGATORS=none``).
_W3C: Final = TraceContextTextMapPropagator()
_POOL_METHODS: Final = ("apply_async", "_map_async", "imap", "imap_unordered")


class Sent:
    """A function of the program's, with what it takes to another process."""

    __slots__ = ("_capture", "_carrier", "_function", "_session", "_suppressed")

    def __init__(
        self,
        function: Callable[..., Any],
        carrier: dict[str, str],
        session: Attributes,
        capture: str | None,
        suppressed: bool = False,
    ) -> None:
        self._function = function
        self._carrier = carrier
        self._session = session
        self._capture = capture
        self._suppressed = suppressed

    def __reduce__(self) -> tuple[Any, ...]:
        known = self._function, self._carrier, self._session, self._capture
        return Sent, ((*known, True) if self._suppressed else known)

    def __getattr__(self, name: str) -> Any:
        """Its name and the like: a ``Process`` class of the program's may ask its target."""
        if name in Sent.__slots__:
            raise AttributeError(name)
        return getattr(self._function, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work there."""
        token = ctx.attach(self._context())
        try:
            return self._function(*args, **kwargs)
        finally:
            ctx.detach(token)

    def _context(self) -> Context:
        held = Context()
        try:
            held = propagate.extract(self._carrier, held)
            if not get_current_span(held).get_span_context().is_valid:
                held = _W3C.extract(self._carrier, held)
            if self._session:
                held = arrived(held, self._session)
        except Exception:
            guard.failed("processes.context")
        # Last, and by themselves: content must not go where it was not to.
        if self._suppressed:
            held = ctx.unseen(held)
        return held if self._capture is None else narrowed(held, Capture(self._capture))


def _sent(function: Any, here: Context) -> Any:
    carrier: dict[str, str] = {}
    propagate.inject(carrier, here)
    if "traceparent" not in carrier:
        _W3C.inject(carrier, here)
    mode: Any = here.get(ctx.CAPTURE)
    capture = None if mode is None else mode.value
    return Sent(function, carrier, told(here), capture, ctx.suppressed(here))


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch a module of the standard library; what was patched. Raises LookupError."""
    name = module.__name__
    if name == "multiprocessing.process":
        patches.wrap(module.BaseProcess, "start", _start)
        return f"{name}.BaseProcess.start"
    if name == "concurrent.futures.process":
        patches.wrap(module.ProcessPoolExecutor, "submit", _submit)
        return f"{name}.ProcessPoolExecutor.submit"
    for method in _POOL_METHODS:
        if method not in module.Pool.__dict__:
            raise LookupError(f"{name}.Pool.{method}")
        patches.wrap(module.Pool, method, _submit)
    return f"{name}.Pool.{{{','.join(_POOL_METHODS)}}}"


def _submit(wrapped: Callable[..., Any], pool: Any, args: Any, kwargs: Any) -> Any:
    try:
        here = runtime.here()
        if here and args:
            args = (_sent(args[0], here), *args[1:])
        elif here and "func" in kwargs:
            kwargs = {**kwargs, "func": _sent(kwargs["func"], here)}
    except Exception:
        guard.failed("processes.submit")
    return wrapped(*args, **kwargs)


def _start(wrapped: Callable[..., Any], process: Any, args: Any, kwargs: Any) -> Any:
    token = target = scopes = None
    try:
        here = runtime.here()
        if here and _lasts(process.__dict__.get("_target")):
            token = ctx.attach(Context())
            scopes = ctx.around.set(())
        elif here and _anew(process):
            target = process.__dict__.get("_target")
            if target is not None:
                process.__dict__["_target"] = _sent(target, here)
    except Exception:
        guard.failed("processes.start")
    try:
        return wrapped(*args, **kwargs)
    except BaseException:
        # It did not start.
        if target is not None:
            process.__dict__["_target"] = target
        raise
    finally:
        if token is not None:
            ctx.detach(token)
        if scopes is not None:
            ctx.around.reset(scopes)


def _anew(process: Any) -> bool:
    """Whether the process begins without anything of this one's."""
    method = type(process)._start_method or multiprocessing.get_start_method()
    return bool(method != "fork")


def _lasts(target: Any) -> bool:
    """Whether a process's function is one that outlives the work in which it is started."""
    if type(target) is MethodType:
        target = target.__func__
    if type(target) is not FunctionType:
        return False
    module = str(target.__module__)
    return module in _LASTING or module.partition(".")[0] in _LASTING_PACKAGES
