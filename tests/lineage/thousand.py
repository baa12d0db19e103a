"""A thousand requests at once: what each of them was asked, and what has to be on its spans."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode

import otelier
from otelier import guard
from tests.backends.receiver import Receiver
from tests.lineage.frameworks.drawing import draw, title
from tests.servers.echoing import EchoServer, read, wrote
from tests.telemetry import Telemetry

MANY = 1000
USER, SESSION, CONVERSATION = "user.id", "session.id", "gen_ai.conversation.id"
IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CALLS = ("chat", "embeddings")


class Run:
    """otelier, seen twice: in memory, and by a backend to which batches are sent."""

    def __init__(self, server: EchoServer, telemetry: Telemetry, receiver: Receiver) -> None:
        self.server = server
        self.telemetry = telemetry
        self.receiver = receiver


@contextmanager
def running() -> Iterator[Run]:
    """The server, otelier and the backend; at the end nothing of ours is left."""
    # Earlier tests of this process may have left something open.
    gc.collect()
    before = held()
    with EchoServer() as server, Receiver() as receiver:
        telemetry = Telemetry()
        batches = BatchSpanProcessor(OTLPSpanExporter(receiver.url + "/v1/traces"))
        telemetry.tracer_provider.add_span_processor(batches)
        host = server.url.removeprefix("http://")
        telemetry.start(provider_hosts=f"{host}=openai")
        try:
            yield Run(server, telemetry, receiver)
            assert telemetry.tracer_provider.force_flush()
            # What is told of a failure has the context of it.
            telemetry.log_exporter.clear()
            left_nothing(before)
            arrived(telemetry, receiver)
        finally:
            telemetry.stop()
            telemetry.tracer_provider.shutdown()
    assert not guard.failures(), guard.failures()


async def until_gone(answer: Coroutine[Any, Any, Any], gone: asyncio.Event) -> Any:
    """A request as a server handles it: cancelled when its client is gone."""
    task = asyncio.create_task(answer)
    leaving = asyncio.create_task(gone.wait())
    await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    return await task


def whose(number: int) -> dict[str, Any]:
    """The session of a request."""
    return {
        "user_id": f"user-{number}",
        "session_id": f"session-{number}",
        "conversation_id": f"conversation-{number}",
    }


def arrived(telemetry: Telemetry, receiver: Receiver) -> None:
    """Each span has come to the backend, once, with the parent that it has here."""
    here = {
        f"{span.context.span_id:016x}": f"{span.parent.span_id:016x}" if span.parent else ""
        for span in telemetry.exporter.get_finished_spans()
    }
    there = receiver.counted()
    assert len(here) - len(there) == 0, f"{len(here) - len(there)} of {len(here)} spans are lost"
    assert set(there.values()) == {1}
    assert {span["span_id"]: span["parent_id"] for span in receiver.spans()} == here


def left_nothing(before: Counter[str]) -> None:
    """No call, step or session is alive, and nothing is remembered of one."""
    # What generators of cancelled tasks hold is free once these have run to their ends.
    for _ in range(3):
        gc.collect()
    ours = Counter(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in map(type, gc.get_objects())
        if kind.__name__ in _OF_A_RUN
        and str(kind.__module__).startswith("otelier.")
        and not kind.__module__.startswith("otelier.prices")
    )
    assert not ours, ours
    tables = held() - before
    assert not tables, tables


# What there is one of for a call, a step or a session.
_OF_A_RUN = frozenset(
    (
        *("Call", "Handle", "Executed", "Joined", "Share", "Scope", "Entry", "ModelRun", "Run"),
        *("Outcome", "Reply", "Items", "AsyncItems", "Observed", "Watch", "Beneath", "Asking"),
        *("Open", "Around", "ToolRun", "_Asked", "_Watched", "_Inside", "_Beneath", "Conversation"),
    )
)


# Tables of frameworks' rooms that are about runs.
_TABLES = (
    ("langchain.open_runs", "runs"),
    ("langchain.models", "_open"),
    ("langchain.models", "_asked"),
    ("llama_index.seen", "runs"),
    ("llama_index.models", "_own"),
    ("llama_index.models", "_streams"),
    ("llama_index.engines", "_writing"),
)


def held() -> Counter[str]:
    """What the tables of ours hold that are about calls and steps, by name."""
    from otelier import background, deferred, following, processor, scope, theirs, under_way
    from otelier.hooks import responses

    found: dict[str, Any] = {
        "following": following._noted,
        "under_way": under_way._open,
        "deferred": deferred.waiting,
        "background": background._begun,
        "scope": scope.beneath,
        "processor._less": processor._less,
        "processor._beneath": processor._beneath,
        "theirs.enriched": theirs.enriched,
        "theirs._contents": theirs._contents,
        "responses": responses._responses._held,
    }
    for room, name in _TABLES:
        module = sys.modules.get(f"otelier.frameworks.{room}")
        if module is not None:
            found[f"{room}.{name}"] = getattr(module, name)
    agents = sys.modules.get("otelier.frameworks.openai_agents.opened")
    if agents is not None:
        found["openai_agents.opened"] = agents._open._held
    return Counter({name: len(table) for name, table in found.items()})


def traces(telemetry: Telemetry) -> dict[int, list[ReadableSpan]]:
    """The spans of each request, by its number; a trace has one request's."""
    found: dict[int, list[ReadableSpan]] = {}
    of_trace: dict[int, int] = {}
    for span in telemetry.exporter.get_finished_spans():
        number = int(str((span.attributes or {})[USER]).removeprefix("user-"))
        assert of_trace.setdefault(span.context.trace_id, number) == number
        found.setdefault(number, []).append(span)
    assert len(of_trace) == len(found)
    return found


def check(
    telemetry: Telemetry,
    tree_of: Callable[[int], str],
    numbers: Iterable[int] | None = None,
    *,
    ordered: bool = True,
) -> int:
    """The tree of each request, and whose each of its spans is; how many spans there are."""
    found = traces(telemetry)
    assert sorted(found) == list(range(MANY) if numbers is None else numbers)
    for number, spans in found.items():
        drawn = draw(spans, title, ordered=ordered)
        assert drawn == tree_of(number), f"request {number}:\n{drawn}"
        for span in spans:
            one(span, number)
    return sum(map(len, found.values()))


def one(span: ReadableSpan, number: int) -> None:
    """One span of a request's: whose it is, and that all it says is of that request."""
    held = dict(span.attributes or {})
    told = {name: held.get(name) for name in (USER, SESSION, CONVERSATION)}
    assert told == {
        USER: f"user-{number}",
        SESSION: f"session-{number}",
        CONVERSATION: f"conversation-{number}",
    }, span.name
    token = f"t{number}"
    operation = str(held.get("gen_ai.operation.name"))
    for name, value in held.items():
        if name.startswith(("gen_ai.input", "gen_ai.output", "gen_ai.tool.call", "gen_ai.retr")):
            words = set(json.dumps(value).replace('"', " ").replace("\\", " ").split())
            others = {each for each in words if each[:1] == "t" and each[1:].isdigit()}
            assert others <= {token}, (span.name, name, value)
    if operation not in CALLS:
        return
    failed = span.status.status_code is StatusCode.ERROR
    if operation == "chat":
        assert f"{token} " in str(held["gen_ai.input.messages"])
        if not failed and held.get("otelier.stream.end") is None:
            if "tool_call" not in held["gen_ai.response.finish_reasons"][0]:  # type: ignore[index]
                assert f"{token} is the answer." in str(held["gen_ai.output.messages"])
            assert (held[IN], held[OUT]) == (read(number), wrote(number)), span.name
            assert str(held["gen_ai.response.id"]).endswith(f"-{token}") or str(
                held["gen_ai.response.id"]
            ).endswith(f"_{token}")
    elif not failed:
        assert held[IN] == read(number)


def session(number: int) -> Any:
    """The session of a request, to be entered."""
    return otelier.session(**whose(number))
