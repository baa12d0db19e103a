"""Questions to a store of calls, as functions: ``otelier.questions.costs(by="user", since="24h")``.

Written by ``python -m otelier.questions.stub``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from otelier.questions.faces import Store
from otelier.questions.moments import Moment

__all__ = [
    "Cache",
    "Call",
    "Comparison",
    "Conversation",
    "Cost",
    "DearCall",
    "Error",
    "Failure",
    "Hit",
    "Latency",
    "Line",
    "Message",
    "Retrieval",
    "Run",
    "Session",
    "Source",
    "Tool",
    "Trace",
    "Unpriced",
    "Whole",
    "cache",
    "call",
    "calls",
    "compare",
    "conversation",
    "conversations",
    "costs",
    "dearest",
    "errors",
    "failures",
    "latency",
    "retrievals",
    "runs",
    "search",
    "sessions",
    "sources",
    "tools",
    "trace",
    "traces",
    "unpriced",
]

@dataclass(frozen=True, slots=True)
class Trace:
    """A row of :func:`traces`."""

    time: datetime
    """When its first call began that is known."""
    last: datetime
    """When its last call began."""
    name: str
    """Its outermost call that is known."""
    operation: str
    """What that call did."""
    status: str
    """How that call ended: ok, error, or how it was left early."""
    seconds: float
    """From where its first call begins to where the last one ends, in s."""
    cost: float | None
    """What was paid, as far as prices are known, in USD."""
    text: str
    """What a user asked: the first 200 characters."""
    trace_id: str
    """Its id."""
    errors: int
    """Failures of models, tools and others."""
    calls: int
    """Model calls."""
    tools: int
    """Tools that were run."""
    unpriced: int
    """Calls that told tokens and whose price is not known: not in the cost."""
    uncounted: int
    """Calls that did not tell what they used: in no sum."""
    input_tokens: int | None
    """Tokens read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens written, in tokens."""
    cache_read_tokens: int | None
    """Tokens read from the cache, in tokens."""
    cache_write_tokens: int | None
    """Tokens written to the cache, in tokens."""
    models: tuple[str, ...]
    """The models that were paid for."""
    service: str
    """The service.name of its outermost call."""
    session: str
    """The first session that a call tells."""
    user: str
    """The first user that a call tells."""
    tenant: str
    """The first tenant that a call tells."""
    conversation: str
    """The first conversation that a call tells."""
    tags: tuple[str, ...]
    """The tags of its calls."""
    cursor: str
    """Its place in the list: what comes behind it."""

def traces(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    operation: str | None = None,
    status: str | None = None,
    error: str | None = None,
    agent: str | None = None,
    tool: str | None = None,
    prompt: str | None = None,
    task: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
    store: Store = None,
) -> list[Trace]:
    """The newest traces: what each was asked, what it took, what it cost.

    A trace is in the list if one of its calls fits all conditions; what is said of it is of all
    its calls. The order is that of the newest calls that fit. For the next page ask again with
    the last row's ``cursor``: no trace is there twice, none is left out; one that goes on
    meanwhile is at the top again. Traces of nothing but other libraries' spans are not in the
    list.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        operation: only this: chat, embeddings, execute_tool, retrieval, invoke_agent, ....
        status: only what ended so: ok, error, closed, cancelled, abandoned.
        error: only failures of this type.
        agent: only where the span itself names this agent.
        tool: only of this tool.
        prompt: only of this prompt.
        task: only of this task.
        cursor: only what comes behind a row of this list: that row's cursor.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.traces(status="error", since="24h")
    """

@dataclass(frozen=True, slots=True)
class Call:
    """A row of :func:`calls`."""

    time: datetime
    """When it began."""
    name: str
    """The operation and what it is of."""
    status: str
    """Ok, error, or how it was left early."""
    seconds: float
    """How long it took, in s."""
    cost: float | None
    """What it cost, where that is known, in USD."""
    input_tokens: int | None
    """Tokens that it read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens that it wrote, in tokens."""
    cache_read_tokens: int | None
    """Tokens read from the cache, in tokens."""
    cache_write_tokens: int | None
    """Tokens written to the cache, in tokens."""
    session: str
    """Its session."""
    user: str
    """Its user."""
    tenant: str
    """Its tenant."""
    conversation: str
    """Its conversation."""
    operation: str
    """What was done."""
    provider: str
    """Who was asked."""
    model: str
    """The model that was asked for."""
    response_model: str
    """The model that answered."""
    service: str
    """The program's service.name."""
    agent: str
    """The agent that the span names."""
    tool: str
    """The tool that was run."""
    data_source: str
    """What was searched."""
    error: str
    """The type of its failure."""
    first_chunk: float | None
    """Time to the first chunk, in s."""
    tags: tuple[str, ...]
    """Its tags."""
    prompt: str
    """The prompt that it is made of."""
    prompt_version: str
    """The prompt's version."""
    task: str
    """Its task."""
    finish_reasons: tuple[str, ...]
    """Why each answer ended."""
    response_id: str
    """The answer's id."""
    request_id: str
    """The provider's id of the request."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""
    parent_id: str
    """The span above."""

def calls(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    operation: str | None = None,
    status: str | None = None,
    error: str | None = None,
    agent: str | None = None,
    tool: str | None = None,
    prompt: str | None = None,
    task: str | None = None,
    models: bool = False,
    cached: bool = False,
    unpriced: bool = False,
    limit: int = 20,
    store: Store = None,
) -> list[Call]:
    """The newest calls: of models, tools, retrievals, agents.

    Conditions may be combined. With ``unpriced`` only calls whose price is not known, with
    ``cached`` only those that read from the cache.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        operation: only this: chat, embeddings, execute_tool, retrieval, invoke_agent, ....
        status: only what ended so: ok, error, closed, cancelled, abandoned.
        error: only failures of this type.
        agent: only where the span itself names this agent.
        tool: only of this tool.
        prompt: only of this prompt.
        task: only of this task.
        models: only calls of models.
        cached: only what read from the cache.
        unpriced: only calls whose price is not known.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.calls(session="s-01", status="error", limit=5)
    """

@dataclass(frozen=True, slots=True)
class DearCall:
    """A row of :func:`dearest`."""

    cost: float | None
    """What it cost, where that is known, in USD."""
    time: datetime
    """When it began."""
    name: str
    """The operation and what it is of."""
    status: str
    """Ok, error, or how it was left early."""
    seconds: float
    """How long it took, in s."""
    input_tokens: int | None
    """Tokens that it read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens that it wrote, in tokens."""
    cache_read_tokens: int | None
    """Tokens read from the cache, in tokens."""
    cache_write_tokens: int | None
    """Tokens written to the cache, in tokens."""
    session: str
    """Its session."""
    user: str
    """Its user."""
    tenant: str
    """Its tenant."""
    conversation: str
    """Its conversation."""
    operation: str
    """What was done."""
    provider: str
    """Who was asked."""
    model: str
    """The model that was asked for."""
    response_model: str
    """The model that answered."""
    service: str
    """The program's service.name."""
    agent: str
    """The agent that the span names."""
    tool: str
    """The tool that was run."""
    data_source: str
    """What was searched."""
    error: str
    """The type of its failure."""
    first_chunk: float | None
    """Time to the first chunk, in s."""
    tags: tuple[str, ...]
    """Its tags."""
    prompt: str
    """The prompt that it is made of."""
    prompt_version: str
    """The prompt's version."""
    task: str
    """Its task."""
    finish_reasons: tuple[str, ...]
    """Why each answer ended."""
    response_id: str
    """The answer's id."""
    request_id: str
    """The provider's id of the request."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""
    parent_id: str
    """The span above."""

def dearest(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    limit: int = 10,
    store: Store = None,
) -> list[DearCall]:
    """The dearest calls, as far as prices are known.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.dearest(since="7d", limit=10)
    """

@dataclass(frozen=True, slots=True)
class Line:
    """A row of :func:`trace`."""

    depth: int
    """How many calls are above it."""
    path: str
    """The names of all above it and its own, with > between."""
    parent: str
    """The name of the nearest call above."""
    name: str
    """The operation and what it is of."""
    status: str
    """Ok, error, or how it was left early."""
    seconds: float
    """How long it took, in s."""
    cost: float | None
    """What it cost, where that is known, in USD."""
    input_tokens: int | None
    """Tokens that it read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens that it wrote, in tokens."""
    cache_read_tokens: int | None
    """Tokens read from the cache, in tokens."""
    cache_write_tokens: int | None
    """Tokens written to the cache, in tokens."""
    operation: str
    """What was done."""
    model: str
    """The model that was asked for."""
    error: str
    """The type of its failure."""
    time: datetime
    """When it began."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""
    parent_id: str
    """The span above, which may be one of another library's."""

def trace(
    trace_id: str | None = None,
    *,
    store: Store = None,
) -> list[Line]:
    """The calls of a trace, each with what is above it.

    Without an id the newest trace. The beginning of an id will do: of several traces that begin
    so it is the first by id.

    Args:
        trace_id: its id, or how that begins; the newest by default.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.trace("4bf92f35")
    """

@dataclass(frozen=True, slots=True)
class Whole:
    """A row of :func:`call`."""

    time: datetime
    """When it began."""
    name: str
    """The operation and what it is of."""
    kind: str
    """The span's kind."""
    seconds: float
    """How long it took, in s."""
    status_code: str
    """UNSET, OK or ERROR."""
    status_message: str
    """What its failure said."""
    service: str
    """The program's service.name."""
    system: Any
    """System instructions."""
    input: Any
    """Messages that were sent."""
    output: Any
    """Messages that were answered."""
    tools: Any
    """Definitions of tools that were sent."""
    arguments: Any
    """What a tool, or a function, was given."""
    result: Any
    """What it gave."""
    attributes: Any
    """All other attributes of the span."""
    events: Any
    """Its events."""
    links: Any
    """Its links."""
    resource: Any
    """Attributes of the program."""
    scope: str
    """The instrumentation that made the span."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""
    parent_id: str
    """The span above."""

def call(
    id: str,
    *,
    store: Store = None,
) -> list[Whole]:
    """One call whole: request, answer, tools, ids, attributes.

    By the id of its span, of its answer or of the provider's request.

    Args:
        id: id of a span, of an answer or of a request.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.call("chatcmpl-123")[0].input
    """

@dataclass(frozen=True, slots=True)
class Cost:
    """A row of :func:`costs`."""

    key: str
    """What the row is of: a value of what is summed by; '' for none."""
    cost: float | None
    """What was paid, as far as prices are known, in USD."""
    unpriced: int
    """Calls that told tokens and whose price is not known: not in the cost."""
    uncounted: int
    """Calls that did not tell what they used: in no sum."""
    calls: int
    """Model calls."""
    errors: int
    """How many of them failed."""
    input_tokens: int | None
    """Tokens read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens written, in tokens."""
    cache_read_tokens: int | None
    """Tokens read from the cache, in tokens."""
    cache_write_tokens: int | None
    """Tokens written to the cache, in tokens."""
    mean_seconds: float | None
    """Mean of model calls, in s."""

def costs(
    *,
    by: Literal[
        "model",
        "provider",
        "user",
        "tenant",
        "session",
        "conversation",
        "service",
        "operation",
        "task",
        "day",
        "hour",
        "tag",
        "prompt",
        "step",
        "agent",
    ] = "model",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    limit: int = 100,
    store: Store = None,
) -> list[Cost]:
    """Cost, tokens, calls, errors and latency, by model or else.

    ``by`` says by what. Nothing is counted twice: agents and workflows repeat what is below them.
    By tag a call is in the row of each of its tags. A call is of the agent and the step that its
    span names, else of the nearest above it.

    Args:
        by: by what the rows are summed.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.costs(by="user", since="24h")
    """

@dataclass(frozen=True, slots=True)
class Unpriced:
    """A row of :func:`unpriced`."""

    provider: str
    """Who was asked."""
    model: str
    """The model that was asked for."""
    response_model: str
    """The model that answered."""
    calls: int
    """Calls without a price."""
    input_tokens: int | None
    """Tokens that they read, in tokens."""
    output_tokens: int | None
    """Tokens that they wrote, in tokens."""
    last: datetime
    """When the last one began."""

def unpriced(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    limit: int = 100,
    store: Store = None,
) -> list[Unpriced]:
    """Models whose price is not known.

    Their calls told tokens, and are in no sum of costs.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.unpriced(since="7d")
    """

@dataclass(frozen=True, slots=True)
class Session:
    """A row of :func:`sessions`."""

    session: str
    """The session."""
    tenant: str
    """Its tenant."""
    users: int
    """How many users took part."""
    user: str
    """One of its users."""
    first: datetime
    """When its first call began."""
    last: datetime
    """When its last call began."""
    seconds: float
    """From where its first call begins to where the last one ends, in s."""
    traces: int
    """Traces."""
    calls: int
    """Model calls."""
    errors: int
    """Failures of models, tools and others."""
    cost: float | None
    """What was paid, as far as prices are known, in USD."""
    unpriced: int
    """Calls that told tokens and whose price is not known: not in the cost."""
    uncounted: int
    """Calls that did not tell what they used: in no sum."""
    input_tokens: int | None
    """Tokens read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens written, in tokens."""
    models: tuple[str, ...]
    """The models that were paid for."""
    text: str
    """What a user asked first: the first 200 characters."""

def sessions(
    *,
    order: Literal["last", "cost"] = "last",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    limit: int = 50,
    skip: int = 0,
    store: Store = None,
) -> list[Session]:
    """Sessions with their calls, tokens and cost; the last ones or the dearest first.

    Args:
        order: what comes first.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        limit: how many rows at most; 0 for all.
        skip: how many rows to leave out at the beginning.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.sessions(order="cost", limit=10)
    """

@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of :func:`conversations`."""

    conversation: str
    """The conversation."""
    session: str
    """One of its sessions."""
    tenant: str
    """Its tenant."""
    users: int
    """How many users took part."""
    user: str
    """One of its users."""
    first: datetime
    """When its first call began."""
    last: datetime
    """When its last call began."""
    seconds: float
    """From where its first call begins to where the last one ends, in s."""
    traces: int
    """Traces."""
    calls: int
    """Model calls."""
    errors: int
    """Failures of models, tools and others."""
    cost: float | None
    """What was paid, as far as prices are known, in USD."""
    unpriced: int
    """Calls that told tokens and whose price is not known: not in the cost."""
    uncounted: int
    """Calls that did not tell what they used: in no sum."""
    input_tokens: int | None
    """Tokens read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens written, in tokens."""
    models: tuple[str, ...]
    """The models that were paid for."""
    text: str
    """What a user asked first: the first 200 characters."""

def conversations(
    *,
    order: Literal["last", "cost"] = "last",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    limit: int = 50,
    skip: int = 0,
    store: Store = None,
) -> list[Conversation]:
    """Conversations with their calls, tokens and cost; the last ones or the dearest first.

    Args:
        order: what comes first.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        limit: how many rows at most; 0 for all.
        skip: how many rows to leave out at the beginning.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.conversations(user="ada")
    """

@dataclass(frozen=True, slots=True)
class Cache:
    """A row of :func:`cache`."""

    key: str
    """What the row is of: a value of what is summed by; '' for none."""
    calls: int
    """Calls that told what they read."""
    hits: int
    """How many of them read from the cache."""
    input_tokens: int | None
    """Tokens read, cached ones included, in tokens."""
    cache_read_tokens: int | None
    """Tokens read from the cache, in tokens."""
    cache_write_tokens: int | None
    """Tokens written to the cache, in tokens."""
    share: float | None
    """Part of the input that came from the cache, in share."""
    saved: float | None
    """What it saved, where that is known, in USD."""
    unknown: int
    """Calls with a cache of which it is not known what it saved."""

def cache(
    *,
    by: Literal[
        "model",
        "provider",
        "user",
        "tenant",
        "session",
        "conversation",
        "service",
        "operation",
        "task",
        "day",
        "hour",
        "tag",
        "prompt",
        "step",
        "agent",
    ] = "model",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    limit: int = 100,
    store: Store = None,
) -> list[Cache]:
    """How much of the input came from providers' caches, and what that saved.

    What it saved is what the same tokens would have cost at the call's own price of input, less
    what reading and writing the cache cost. It is known of calls whose cost was worked out from
    prices and that read something beside the cache; ``unknown`` counts the others.

    Args:
        by: by what the rows are summed.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.cache(by="session", since="7d")
    """

@dataclass(frozen=True, slots=True)
class Latency:
    """A row of :func:`latency`."""

    key: str
    """What the row is of: a value of what is summed by; '' for none."""
    calls: int
    """Model calls that did not fail."""
    mean: float
    """Mean, in s."""
    p50: float
    """Half of the calls took no longer, in s."""
    p90: float
    """Nine of ten took no longer, in s."""
    p99: float
    """99 of 100 took no longer, in s."""
    slowest: float
    """The slowest, in s."""
    streams: int
    """Calls whose first chunk's time is known."""
    first_p50: float | None
    """To the first chunk: half of the streams took no longer, in s."""
    first_p90: float | None
    """To the first chunk: nine of ten took no longer, in s."""
    first_p99: float | None
    """To the first chunk: 99 of 100 took no longer, in s."""

def latency(
    *,
    by: Literal[
        "model",
        "provider",
        "user",
        "tenant",
        "session",
        "conversation",
        "service",
        "operation",
        "task",
        "day",
        "hour",
        "tag",
        "prompt",
        "step",
        "agent",
    ] = "model",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    operation: str | None = None,
    limit: int = 100,
    store: Store = None,
) -> list[Latency]:
    """How long model calls took: mean, percentiles, first chunk.

    Of calls that did not fail. A percentile is a time that was measured, not one between two.

    Args:
        by: by what the rows are summed.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        operation: only this: chat, embeddings, execute_tool, retrieval, invoke_agent, ....
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.latency(by="model", since="24h")
    """

@dataclass(frozen=True, slots=True)
class Error:
    """A row of :func:`errors`."""

    error: str
    """The type of the failure."""
    count: int
    """How often."""
    code: str
    """The provider's code of the last one."""
    message: str
    """What the last one said."""
    operation: str
    """What was done."""
    models: tuple[str, ...]
    """The models that were asked for, the most frequent first."""
    tools: tuple[str, ...]
    """The tools that were run."""
    sources: tuple[str, ...]
    """What was searched."""
    services: tuple[str, ...]
    """The programs' service.name."""
    name: str
    """The last one's operation and what it is of."""
    first: datetime
    """When the first one began."""
    last: datetime
    """When the last one began."""
    alike: str
    """What failures that are the same have in common."""
    trace_id: str
    """The last one's trace."""
    span_id: str
    """The last one's span."""

def errors(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    operation: str | None = None,
    error: str | None = None,
    tool: str | None = None,
    data_source: str | None = None,
    models: bool = False,
    limit: int = 50,
    store: Store = None,
) -> list[Error]:
    """Failures: those that are the same in one row, the most frequent first.

    The same are those of one type and operation that say the same but for numbers and ids,
    whichever model or tool they are of. ``failures(alike=…)`` has them one by one. With
    ``models`` only failed calls of models.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        operation: only this: chat, embeddings, execute_tool, retrieval, invoke_agent, ....
        error: only failures of this type.
        tool: only of this tool.
        data_source: only of this data source.
        models: only calls of models.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.errors(since="24h")
    """

@dataclass(frozen=True, slots=True)
class Failure:
    """A row of :func:`failures`."""

    time: datetime
    """When it began."""
    name: str
    """The operation and what it is of."""
    error: str
    """The type of the failure."""
    code: str
    """The provider's code."""
    http_status: int | None
    """The HTTP status of the answer."""
    message: str
    """What it said."""
    outcome: str
    """How the last try of the same step ended, where it was tried again."""
    request_id: str
    """The provider's id of the request."""
    seconds: float
    """How long it took, in s."""
    operation: str
    """What was done."""
    model: str
    """The model that was asked for."""
    tool: str
    """The tool that was run."""
    data_source: str
    """What was searched."""
    service: str
    """The program's service.name."""
    session: str
    """Its session."""
    user: str
    """Its user."""
    tenant: str
    """Its tenant."""
    conversation: str
    """Its conversation."""
    tries: Any
    """The tries of that step in order, this one among them; none without another."""
    alike: str
    """What failures that are the same have in common."""
    cursor: str
    """Its place in the list: what comes behind it."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""
    parent_id: str
    """The span above."""

def failures(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    operation: str | None = None,
    error: str | None = None,
    tool: str | None = None,
    data_source: str | None = None,
    models: bool = False,
    alike: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
    store: Store = None,
) -> list[Failure]:
    """Failures one by one, the newest first: what each said, and whether it was tried again.

    Tries of one step are under the same span and were asked the same; where that is not recorded,
    they have the same name. ``tries`` has of each ``span_id``, ``name``, ``model``, ``status``,
    ``error``, ``time`` and ``seconds``. For the next page ask again with the last row's
    ``cursor``.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        operation: only this: chat, embeddings, execute_tool, retrieval, invoke_agent, ....
        error: only failures of this type.
        tool: only of this tool.
        data_source: only of this data source.
        models: only calls of models.
        alike: only those that are the same: ``alike`` of a row.
        cursor: only what comes behind a row of this list: that row's cursor.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.failures(error="openai.RateLimitError", since="24h")
    """

@dataclass(frozen=True, slots=True)
class Tool:
    """A row of :func:`tools`."""

    tool: str
    """The tool."""
    runs: int
    """How often it was run."""
    failed: int
    """How many of them failed."""
    mean_seconds: float
    """Mean of the time that one took, in s."""
    slowest: float
    """The longest that one took, in s."""
    last: datetime
    """When the last one began."""
    argument_bytes: int | None
    """Mean size of arguments, in bytes."""
    result_bytes: int | None
    """Mean size of results, in bytes."""
    largest: int | None
    """Size of the largest result, in bytes."""

def tools(
    *,
    order: Literal["runs", "failed", "slowest", "last"] = "runs",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    service: str | None = None,
    tool: str | None = None,
    sizes: bool = False,
    limit: int = 100,
    store: Store = None,
) -> list[Tool]:
    """Tools: how often they were run, failed, how long they took.

    With ``sizes`` also how much they were given and gave, where that was recorded.

    Args:
        order: what comes first.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        service: only of this service.
        tool: only of this tool.
        sizes: with the sizes of arguments and results.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.tools(session="s-01", order="failed")
    """

@dataclass(frozen=True, slots=True)
class Run:
    """A row of :func:`runs`."""

    time: datetime
    """When it began."""
    tool: str
    """The tool."""
    status: str
    """Ok, error, or how it was left early."""
    error: str
    """The type of its failure."""
    seconds: float
    """How long it took, in s."""
    message: str
    """What its failure said."""
    arguments: Any
    """What it was given."""
    result: Any
    """What it gave."""
    model: str
    """The model that asked for it, where its answer shows that."""
    asked_by: str
    """That model call's span."""
    call_id: str
    """The id that the model gave the call."""
    service: str
    """The program's service.name."""
    session: str
    """Its session."""
    user: str
    """Its user."""
    tenant: str
    """Its tenant."""
    conversation: str
    """Its conversation."""
    cursor: str
    """Its place in the list: what comes behind it."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""

def runs(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    service: str | None = None,
    tool: str | None = None,
    failed: bool = False,
    cursor: str | None = None,
    limit: int = 20,
    store: Store = None,
) -> list[Run]:
    """Runs of tools, the newest first: what each was given and gave, and which model asked for it.

    For the next page ask again with the last row's ``cursor``.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        service: only of this service.
        tool: only of this tool.
        failed: only those that failed.
        cursor: only what comes behind a row of this list: that row's cursor.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.runs(tool="search_orders", failed=True)
    """

@dataclass(frozen=True, slots=True)
class Source:
    """A row of :func:`sources`."""

    data_source: str
    """What was searched."""
    searches: int
    """How often."""
    failed: int
    """How many of them failed."""
    mean_seconds: float
    """Mean of the time that one took, in s."""
    slowest: float
    """The longest that one took, in s."""
    last: datetime
    """When the last one began."""

def sources(
    *,
    order: Literal["runs", "failed", "slowest", "last"] = "runs",
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    service: str | None = None,
    data_source: str | None = None,
    limit: int = 100,
    store: Store = None,
) -> list[Source]:
    """Data sources: how often they were searched, failed, how long that took.

    Args:
        order: what comes first.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        service: only of this service.
        data_source: only of this data source.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.sources(order="failed", since="7d")
    """

@dataclass(frozen=True, slots=True)
class Retrieval:
    """A row of :func:`retrievals`."""

    time: datetime
    """When it began."""
    data_source: str
    """What was searched."""
    query: str
    """For what."""
    status: str
    """Ok, error, or how it was left early."""
    error: str
    """The type of its failure."""
    seconds: float
    """How long it took, in s."""
    message: str
    """What its failure said."""
    documents: int | None
    """How many documents were found."""
    session: str
    """Its session."""
    user: str
    """Its user."""
    tenant: str
    """Its tenant."""
    conversation: str
    """Its conversation."""
    cursor: str
    """Its place in the list: what comes behind it."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""

def retrievals(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    service: str | None = None,
    data_source: str | None = None,
    failed: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    store: Store = None,
) -> list[Retrieval]:
    """The newest retrievals; with ``failed`` only those that failed.

    For the next page ask again with the last row's ``cursor``.

    Args:
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        service: only of this service.
        data_source: only of this data source.
        failed: only those that failed.
        cursor: only what comes behind a row of this list: that row's cursor.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.retrievals(failed=True, since="7d")
    """

@dataclass(frozen=True, slots=True)
class Message:
    """A row of :func:`conversation`."""

    number: int
    """Which message it is."""
    time: datetime
    """When the call began that it is of."""
    role: str
    """Who said it; '' for a call that told no messages."""
    text: str
    """What was said; calls of tools and their results, too."""
    name: str
    """The call that it is of."""
    model: str
    """The model that was asked for."""
    agent: str
    """The agent that the call names."""
    status: str
    """How the call ended."""
    error: str
    """The type of its failure."""
    seconds: float
    """How long the call took, in s."""
    cost: float | None
    """What it cost, where that is known, in USD."""
    input_tokens: int | None
    """Tokens that it read, cached ones included, in tokens."""
    output_tokens: int | None
    """Tokens that it wrote, in tokens."""
    total_cost: float | None
    """What all so far cost, in USD."""
    total_input_tokens: int | None
    """Tokens read so far, in tokens."""
    total_output_tokens: int | None
    """Tokens written so far, in tokens."""
    unpriced: int
    """Calls so far whose price is not known."""
    uncounted: int
    """Calls so far that told no usage."""
    direction: str
    """System, input or output."""
    message: Any
    """All of it, where it is JSON."""
    session: str
    """Its session."""
    conversation: str
    """Its conversation."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""

def conversation(
    id: str | None = None,
    *,
    session: str | None = None,
    conversation: str | None = None,
    tenant: str | None = None,
    user: str | None = None,
    store: Store = None,
) -> list[Message]:
    """A conversation: each message once, with cost and running totals.

    By the id of a conversation or a session; without one the newest. Of several tenants that have
    it, that of the newest call. What a call took stands beside its answer. What is not known is
    in no total: ``unpriced`` and ``uncounted`` say of how many calls so far.

    Args:
        id: id of a conversation or a session; the newest by default.
        session: only of this session.
        conversation: only of this conversation.
        tenant: only of this tenant.
        user: only of this user.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.conversation("c-01")
    """

@dataclass(frozen=True, slots=True)
class Comparison:
    """A row of :func:`compare`."""

    measure: str
    """What is compared."""
    unit: str
    """Of what unit the numbers are."""
    a: float | None
    """What it is of the one."""
    a_low: float | None
    """Where its 95 % interval begins."""
    a_high: float | None
    """Where its 95 % interval ends."""
    a_n: int
    """Of how many calls or scores it is told."""
    a_unpriced: int
    """Calls that are missing in a cost."""
    b: float | None
    """What it is of the other."""
    b_low: float | None
    """Where its 95 % interval begins."""
    b_high: float | None
    """Where its 95 % interval ends."""
    b_n: int
    """Of how many calls or scores it is told."""
    b_unpriced: int
    """Calls that are missing in a cost."""

def compare(
    a: str,
    b: str,
    *,
    by: Literal[
        "model",
        "provider",
        "user",
        "tenant",
        "session",
        "conversation",
        "service",
        "operation",
        "task",
        "day",
        "hour",
        "tag",
        "prompt",
        "step",
        "agent",
        "prompt_version",
    ] = "tag",
    prompt: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    tag: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    service: str | None = None,
    store: Store = None,
) -> list[Comparison]:
    """Two tags, versions of a prompt or models side by side.

    Calls, cost, errors, latency, tokens, and scores of evaluations. By tag, by version of one
    prompt (``prompt`` says which), or by what else calls can be summed by. With 95 % intervals:
    of shares by Wilson, of means by Student's t.

    Args:
        a: the one.
        b: the other.
        by: by what the rows are summed.
        prompt: only of this prompt.
        since: only what began then or later.
        until: only what began before then.
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        tag: only with this tag.
        model: only of this model, as it was asked for or as it answered.
        provider: only of this provider.
        service: only of this service.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.compare("1", "2", by="prompt_version", prompt="research")
    """

@dataclass(frozen=True, slots=True)
class Hit:
    """A row of :func:`search`."""

    time: datetime
    """When it began."""
    role: str
    """Who said it; tool for a tool's arguments and result."""
    snippet: str
    """The words around what was found."""
    session: str
    """Its session."""
    user: str
    """Its user."""
    tenant: str
    """Its tenant."""
    conversation: str
    """Its conversation."""
    trace_id: str
    """The trace that it is in."""
    span_id: str
    """Its span."""
    text: str
    """All of it."""
    traces: int
    """How many traces said it."""
    more: bool
    """Whether it is more than so many."""
    cursor: str
    """With ``once``: what comes behind this answer."""

def search(
    text: str,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    role: str | None = None,
    session: str | None = None,
    conversation: str | None = None,
    user: str | None = None,
    tenant: str | None = None,
    once: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    store: Store = None,
) -> list[Hit]:
    """Messages, and arguments and results of tools, with a text.

    The newest first, in upper or lower case: what has all of the words, and what stands between
    double quotes as it stands. A local store finds words by how they begin, ClickHouse within
    words, too; what is no letters (``C++``, ``a_b``), and words of scripts without spaces, both
    find wherever it stands. A message is found once in each trace that said it, not where it was
    sent again as history; with ``once`` only where it was said last. Each run of a tool is told.

    Args:
        text: what is looked for.
        since: only what began then or later.
        until: only what began before then.
        role: only said by this role: user, assistant, system, tool, ....
        session: only of this session.
        conversation: only of this conversation.
        user: only of this user.
        tenant: only of this tenant.
        once: each message only once, where it was said last.
        cursor: with ``once``: only what comes behind an answer: its last row's cursor.
        limit: how many rows at most; 0 for all.
        store: a path, clickhouse://host/database, or an open store; by default OTELIER_STORE.

    Raises TypeError or ValueError for what it cannot be told, and
    otelier.store.engine.StoreError where the store cannot be read.

    Example::

        otelier.questions.search("parcel", user="ada")
    """
