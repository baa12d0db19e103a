"""The trace context in a request's ``params._meta``, by the program's own propagators.

The conventions have it there by the names that HTTP's headers have (SEP-414 of the protocol).
Version 2 writes it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span, set_span_in_context

from otelier import guard, runtime, statics, wire
from otelier.hooks.calling import argument, instead

_OWN: Final = frozenset({"mcp"})
_PARENT: Final = "traceparent"
# What is being sent by this process, by the span that travels.
_sent: Final[WeakValueDictionary[int, Any]] = WeakValueDictionary()


def carrying(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of version 1's ``send_request`` with the context that is current.

    The program's request stays as it is: what is sent is a copy, as deep as the difference.
    """
    try:
        run = runtime.current()
        if run is not None and run.settings.mcp_meta:
            copied = _carrying(argument(args, kwargs, 0, "request"))
            if copied is not None:
                return instead(args, kwargs, 0, "request", copied)
    except Exception:
        guard.failed("mcp.carrier")
    return args, kwargs


def _carrying(request: Any) -> Any:
    carried: dict[str, str] = {}
    propagate.inject(carried)
    inner: Any = wire.fields(request).get("root")
    # Of a class of the program's own nothing is known.
    if not carried or not all(statics.made_by(type(each), _OWN) for each in (request, inner)):
        return None
    params = wire.fields(inner).get("params")
    if params is None:
        made = _params(type(inner))
        if made is None:
            return None
        params = made()
    elif not statics.made_by(type(params), _OWN):
        return None
    held = wire.fields(params).get("meta")
    meta: Any = type(params).Meta() if held is None else held
    told = wire.fields(meta)
    if not _ours(told.get(_PARENT)):
        # Somebody has put one there, and it stays.
        carried = {name: value for name, value in carried.items() if name not in told}
    params = params.model_copy(update={"meta": meta.model_copy(update=carried)})
    return request.model_copy(update={"root": inner.model_copy(update={"params": params})})


def _ours(parent: Any) -> bool:
    """Whether a ``traceparent`` that is there names what our span is in: then that goes between."""
    above = getattr(get_current_span(), "parent", None)
    return above is not None and isinstance(parent, str) and f"{above.span_id:016x}" in parent


def _params(request: Any) -> Any:
    """The class of the parameters that a request of this class may have, and has not."""
    declared = request.model_fields["params"].annotation
    for each in getattr(declared, "__args__", ()):
        if isinstance(each, type) and hasattr(each, "Meta"):
            return each
    return None


def sent(handle: Any) -> None:
    """A request is on its way; it may come to this very process."""
    _sent[handle.span.get_span_context().span_id] = handle


def came(meta: Any, around: Context) -> tuple[Context, Span | None]:
    """Where a request belongs that came with this ``_meta``, and what is around it beside that.

    The second is the span that is open around it, where another one has sent it.
    """
    ambient = get_current_span(around)
    here = ambient.get_span_context()
    # Of a connection that lasts, the span of who has opened it is over.
    over = getattr(ambient, "end_time", None) is not None
    told = _texts(meta)
    if told:
        context = propagate.extract(told, around)
        sender = get_current_span(context).get_span_context()
        own = _sent.get(sender.span_id)
        if own is not None and not own.ended:
            # In one process sessions and sums go on, too.
            return own.context, None
        if sender.is_valid and sender.span_id != here.span_id:
            return context, (ambient if here.is_valid and not over else None)
    return (set_span_in_context(INVALID_SPAN, around) if over else around), None


def _texts(meta: Any) -> Mapping[str, str]:
    held = meta if isinstance(meta, Mapping) else wire.fields(meta)
    return {name: value for name, value in held.items() if isinstance(value, str)}
