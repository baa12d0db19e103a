"""Messages by which the agents of an orchestration work together.

The runtime hands them out in tasks that it has started before anybody sent one. Those of an
orchestration are handled in its workflow, and the runtime's own spans, several for each message,
are not shown there. A program that sends messages itself has them as before, and
``OTELIER_FRAMEWORK_STEPS=all`` shows an orchestration's as well.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Final

from opentelemetry.trace import INVALID_SPAN

from otelier import context as ctx
from otelier import guard, runtime, statics
from otelier.frameworks import steps
from otelier.frameworks.semantic_kernel.works import Work, running
from otelier.hooks.beside import Beside
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches

_NOTED: Final = "get_telemetry_envelope_metadata"
_HANDLERS: Final = ("_process_send", "_process_publish", "_process_response")
_SPANS: Final = "trace_block"

# Whose message it is, by what the framework keeps of the trace with each.
_sent: Final[Beside[Work]] = Beside()


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what sends messages, what hands them out, and what makes the runtime's spans."""
    owner = getattr(module, "InProcessRuntime", None)
    helper = getattr(module, "TraceHelper", None)
    if owner is None or helper is None or _NOTED not in module.__dict__:
        raise LookupError(f"{module.__name__}.{_NOTED}")
    patches.wrap(module, _NOTED, _noted)
    for name in _HANDLERS:
        if name in owner.__dict__:
            patches.wrap(owner, name, _handled)
    if _SPANS in helper.__dict__:
        patches.wrap(helper, _SPANS, _block)
    return "InProcessRuntime"


def _noted(wrapped: Any, module: Any, args: Any, kwargs: Any) -> Any:
    metadata = wrapped(*args, **kwargs)
    try:
        work = running(ctx.current())
        if work is not None:
            _sent.put(metadata, work)
    except Exception:
        guard.failed("semantic_kernel.sent")
    return metadata


async def _handled(wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    work = token = None
    try:
        envelope = argument(args, kwargs, 0, "message_envelope")
        work = _sent.of(statics.storage(envelope).get("metadata"))
        if work is not None:
            token = ctx.attach(work.context)
    except Exception:
        guard.failed("semantic_kernel.handled")
    try:
        return await wrapped(*args, **kwargs)
    finally:
        if token is not None:
            ctx.detach(token)
        if work is not None and work.answered:
            work.end()


def _block(wrapped: Any, helper: Any, args: Any, kwargs: Any) -> Any:
    try:
        shown = running(ctx.current()) is None or steps.inner_steps()
        if not shown and runtime.current() is not None:
            return nullcontext(INVALID_SPAN)
    except Exception:
        guard.failed("semantic_kernel.runtime")
    return wrapped(*args, **kwargs)
