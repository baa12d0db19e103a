"""Spans of a framework's own, of agents and tools: the framework opens and ends them.

A handle on such a span (:func:`lend`) is a step as ours are: the model calls in it are summed up on
it, a tool that the program has declared is one with it, metrics are recorded. What the framework
says on the span stays.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import ref

from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, get_current_span

from otelier import apart, errors, guard, leaving, runtime, semconv, theirs
from otelier import context as ctx
from otelier.executed import Executed
from otelier.handle import Handle
from otelier.kinds import AGENT, TOOL, WORKFLOW, Kind
from otelier.scope import around, beneath, watching
from otelier.semconv import Attributes
from otelier.sessions import Entry, belonging

_KINDS: Final[dict[Any, Kind]] = {
    semconv.INVOKE_AGENT: AGENT,
    semconv.INVOKE_WORKFLOW: WORKFLOW,
    semconv.EXECUTE_TOOL: TOOL,
}


class Unmeasured(Executed):
    """A tool of a framework that records the conventions' metrics itself."""

    __slots__ = ()

    def _finish(
        self, said: str | None, problem: BaseException | str | None, seconds: float
    ) -> None:
        if self._recording:
            if self._under is not None and self._under is not self._run.policy:
                self._withdraw()
            self._sum_up()


def lend(
    span: Span, parent: Context, attributes: Attributes, measured: bool = True
) -> Handle | None:
    """A handle on ``span``, current in ``parent``, that says ``attributes`` of itself.

    ``measured``: metrics of a tool are ours to record.
    None where that is no step, is not recorded, or goes elsewhere than ours. The caller ends the
    handle before the span.
    """
    try:
        run = runtime.current()
        kind = _KINDS.get(attributes.get(semconv.OPERATION_NAME))
        if run is None or kind is None or not apart.belongs(span, run):
            return None
        known = {name: value for name, value in attributes.items() if name in _KNOWN}
        if kind is TOOL:
            known.setdefault(semconv.TOOL_TYPE, "function")
            theirs.lend(span)
            return (Executed if measured else Unmeasured)(run, kind, known, parent, span)
        handle = Handle(run, kind, known, parent, span)
        handle.mirror()
        return handle
    except Exception:
        guard.failed("lent.lend")
        return None


# What metrics, sums and declarations need to know of a step.
_KNOWN: Final = frozenset(
    {
        semconv.OPERATION_NAME,
        semconv.AGENT_NAME,
        semconv.WORKFLOW_NAME,
        semconv.REQUEST_MODEL,
        semconv.TOOL_NAME,
        semconv.TOOL_TYPE,
        semconv.TOOL_CALL_ID,
    }
)


def passes(span: Span, context: Context) -> None:
    """``span`` is a framework's, of a model call: what goes out beneath it is its agent's own."""
    try:
        agent = around(context)
        if agent is not None and agent.mirrored is not None:
            agent.mirrored = ref(span)
    except Exception:
        guard.failed("lent.passes")


def close(handle: Handle, error: BaseException | None = None) -> None:
    """End the handle; content that its framework has put on the span stays only if it may."""
    try:
        if not handle.wants_content:
            theirs.withdraw(handle.span)
    except Exception:
        guard.failed("lent.close")
    handle.end(error)


def failed(span: Span, error: BaseException, told: bool = False) -> None:
    """Name the kind of error where the framework says only that there was one.

    ``told``: it says so of all exceptions that leave the span's block. To leave is no error.
    """
    try:
        status: Any = getattr(span, "status", None)
        present: Any = getattr(span, "attributes", None) or {}
        is_error = status is not None and status.status_code is StatusCode.ERROR
        if leaving.how(error) is not None:
            if is_error:
                # set_status() takes none back.
                span._status = Status(StatusCode.UNSET)  # type: ignore[attr-defined]
        elif (is_error or (told and isinstance(error, Exception))) and (
            semconv.ERROR_TYPE not in present
        ):
            span.set_attribute(semconv.ERROR_TYPE, errors.kind(error))
    except Exception:
        guard.failed("lent.failed")


def within(parent: Context, conversation_id: Any) -> tuple[Context, str | None]:
    """``parent`` in a conversation, and which that is.

    What is known there already is worth more than ``conversation_id``, which a framework makes up
    where nobody gives it one: an agent that another one runs belongs to that one's conversation.
    """
    known = _known(parent)
    if known is None:
        known = conversation_id
    if type(known) is not str or not known:
        return parent, None
    return belonging(parent, known), known


def _known(parent: Context) -> Any:
    entry: Any = parent.get(ctx.SESSION)
    if isinstance(entry, Entry) and semconv.CONVERSATION_ID in entry.attributes:
        return entry.attributes[semconv.CONVERSATION_ID]
    above = beneath.get(get_current_span(parent)) if watching else None
    return None if above is None else above.conversation
