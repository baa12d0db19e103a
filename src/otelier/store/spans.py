"""A finished span as plain data, whole: from a file, from a store, from OTLP or from the SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, TypeVar

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind

# OTLP's numbers: SPAN_KIND_* and STATUS_CODE_*.
KINDS: Final = ("UNSPECIFIED", *(kind.name for kind in SpanKind))
STATUSES: Final = ("UNSET", "OK", "ERROR")
# OTLP's flags: the trace flags of W3C in the lowest eight bits; whether it is known that the parent
# (or what is linked) is in another process, and whether it is.
HAS_IS_REMOTE: Final = 0x100
IS_REMOTE: Final = 0x200


@dataclass(frozen=True, slots=True)
class StoredResource:
    """What made the span: a process, mostly."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    schema_url: str = ""
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class StoredScope:
    """The instrumentation that made the span."""

    name: str = ""
    version: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dropped_attributes: int = 0
    # OTLP says it of the spans, not of the scope that they have in common.
    schema_url: str = ""


_Made = TypeVar("_Made", StoredResource, StoredScope)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that happened within a span."""

    name: str
    time_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A span that has to do with this one and is not its parent."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    trace_state: str = ""
    flags: int = 0
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One finished span. Ids are lower-case hex; times are nanoseconds since 1970, 0 if unknown.

    Values of attributes are what OTLP knows: str, bool, int (64 bits), float, bytes, None, and
    lists and dicts of these. ``kind`` and ``status`` are names of :data:`KINDS`, :data:`STATUSES`.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str = "INTERNAL"
    start_ns: int = 0
    end_ns: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = "UNSET"
    status_message: str = ""
    events: Sequence[StoredEvent] = ()
    links: Sequence[StoredLink] = ()
    scope: StoredScope = StoredScope()
    resource: StoredResource = StoredResource()
    trace_state: str = ""
    flags: int = 0
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0

    @property
    def remote_parent(self) -> bool:
        """Whether the parent is a span of another process."""
        return bool(self.flags & IS_REMOTE)


@dataclass(frozen=True, slots=True)
class StoredLog:
    """One log record; an event is one with a name. Ids and times as a span's, ids may be empty.

    ``severity`` is OTLP's number, 0 if unspecified; ``body`` a value as attributes have them.
    """

    time_ns: int = 0
    observed_ns: int = 0
    name: str = ""
    body: Any = None
    severity: int = 0
    severity_text: str = ""
    trace_id: str = ""
    span_id: str = ""
    flags: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    scope: StoredScope = StoredScope()
    resource: StoredResource = StoredResource()
    dropped_attributes: int = 0


def stored(span: ReadableSpan) -> StoredSpan:
    """The SDK's span as a :class:`StoredSpan`. Attribute values are shared, not copied."""
    context = span.get_span_context()
    parent = span.parent
    return StoredSpan(
        trace_id=format(context.trace_id, "032x") if context else "",
        span_id=format(context.span_id, "016x") if context else "",
        parent_id=format(parent.span_id, "016x") if parent else None,
        name=_name(span.name),
        kind=span.kind.name if isinstance(span.kind, SpanKind) else "INTERNAL",
        start_ns=time_of(span.start_time),
        end_ns=time_of(span.end_time),
        # What the SDK has looks each one up in Python.
        attributes=dict(span.attributes or {}),
        status=span.status.status_code.name,
        status_message=span.status.description or "",
        events=tuple(
            StoredEvent(
                _name(e.name), time_of(e.timestamp), e.attributes or {}, e.dropped_attributes
            )
            for e in span.events
        ),
        links=tuple(
            StoredLink(
                format(link.context.trace_id, "032x"),
                format(link.context.span_id, "016x"),
                link.attributes or {},
                _state(link.context),
                _flags(link.context),
                link.dropped_attributes,
            )
            for link in span.links
        ),
        scope=scope_of(span.instrumentation_scope),
        resource=resource_of(span.resource),
        trace_state=_state(context),
        flags=_flags(parent),
        dropped_attributes=span.dropped_attributes,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
    )


def _name(given: Any) -> str:
    """A name; the SDK takes anything for one."""
    if isinstance(given, str):
        return given
    return "" if given is None else f"<{type(given).__name__}>"


def time_of(given: Any) -> int:
    """Nanoseconds; programs also give floats, and the SDK takes anything."""
    if type(given) is int:
        return given
    return int(given) if type(given) is float and isfinite(given) else 0


# What was made of the SDK's objects lately: all spans of an instrumentation share them.
_made: Final[dict[int, tuple[object, StoredScope | StoredResource]]] = {}
_MOST_MADE: Final = 256


def scope_of(scope: InstrumentationScope | None) -> StoredScope:
    """The SDK's scope; an empty one for none."""
    if scope is None:
        return StoredScope()
    made = _known(scope)
    if isinstance(made, StoredScope):
        return made
    return _keep(
        scope,
        StoredScope(
            scope.name or "",
            scope.version or "",
            scope.attributes or {},
            schema_url=scope.schema_url or "",
        ),
    )


def resource_of(resource: Resource) -> StoredResource:
    """The SDK's resource."""
    made = _known(resource)
    if isinstance(made, StoredResource):
        return made
    return _keep(resource, StoredResource(resource.attributes, resource.schema_url or ""))


def _known(of: object) -> StoredScope | StoredResource | None:
    found = _made.get(id(of))
    return found[1] if found is not None and found[0] is of else None


def _keep(of: object, made: _Made) -> _Made:
    if len(_made) >= _MOST_MADE:
        _made.clear()
    _made[id(of)] = (of, made)
    return made


def _state(context: SpanContext | None) -> str:
    if context is None or not context.trace_state:
        return ""
    return ",".join(f"{key}={value}" for key, value in context.trace_state.items())


def _flags(context: SpanContext | None) -> int:
    return HAS_IS_REMOTE | (IS_REMOTE if context is not None and context.is_remote else 0)
