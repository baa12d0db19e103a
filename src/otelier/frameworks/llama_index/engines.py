"""Query engines, chat engines and the agents of earlier versions: a question and its answer.

A streamed answer is read after the engine has returned: the engine is over when the streams of its
models are.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry import context as otel_context

from otelier import context as ctx
from otelier import leaving, pipeline, statics
from otelier.declared import Step
from otelier.frameworks.llama_index import classes, messages, seen
from otelier.frameworks.llama_index.conversations import conversation
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.steps import Run

# The innermost engine that runs.
_ENGINE: Final = otel_context.create_key("otelier-llama-index-engine")
# One question after the other is put to an engine: each is a process of its own.
_ASKS_MANY: Final = "SubQuestionQueryEngine"
# Nothing but a model with a memory.
_SIMPLE: Final = "SimpleChatEngine"


class Asked:
    """What is known of an engine that runs."""

    __slots__ = ("many", "outer", "streams", "waits")

    def __init__(self, outer: Run | None, many: bool) -> None:
        # The engine around it.
        self.outer = outer
        # Whether it asks other engines several questions.
        self.many = many
        # The streams of models that are not over, and whether nothing else is waited for.
        self.streams: set[str] = set()
        self.waits = False


def begin(entered: Entered) -> Run | None:
    """A query engine is asked."""
    return _begin(entered, pipeline.workflow(classes.given_name(entered.owner)), None)


def begin_chat(entered: Entered) -> Run | None:
    """A chat engine is asked."""
    conversation_id = conversation(statics.member(entered.owner, "_memory"))
    if classes.is_a(entered.owner, _SIMPLE):
        # A model call alone is no workflow.
        if conversation_id is None:
            return None
        return seen.pass_by(entered, conversation_id=conversation_id)
    step = pipeline.workflow(classes.given_name(entered.owner))
    return _begin(entered, step, conversation_id)


def begin_agent(entered: Entered) -> Run | None:
    """An agent of an earlier version is asked."""
    memory = statics.member(entered.owner, "memory")
    step = pipeline.agent(classes.given_name(entered.owner))
    return _begin(entered, step, conversation(memory), parts=False)


def _begin(
    entered: Entered, step: Step, conversation_id: str | None, parts: bool = True
) -> Run | None:
    here = ctx.current()
    outer: Any = here.get(_ENGINE)
    within = outer is not None and here.get(ctx.STEP) is outer.handle
    if within and parts and not outer.more.held.many:
        # What an engine asks for its own answer is a part of it.
        if not seen.inner_steps():
            return None
        return seen.begin(entered, pipeline.step(statics.name(type(entered.owner))))
    run = seen.begin(entered, step, finish, fail, conversation_id=conversation_id)
    if run is None or run.handle is None:
        return run
    run.more.held = Asked(outer, classes.is_a(entered.owner, _ASKS_MANY))
    seen.leave(run)
    run.context = ctx.with_value(run.context, _ENGINE, run)
    run.more.token = ctx.attach(run.context)
    if run.handle.wants_content:
        question = entered.arguments.get("str_or_query_bundle", entered.arguments.get("message"))
        text = question if isinstance(question, str) else statics.member(question, "query_str")
        run.handle.set_input(text if isinstance(text, str) else messages.text(question))
    return run


def finish(run: Run, result: Any) -> None:
    """The engine has returned an answer, or what reads one."""
    asked: Asked = run.more.held
    if run.handle is not None and run.handle.wants_content:
        said = statics.member(result, "response")
        if isinstance(said, str) and said:
            run.handle.set_output(said)
    asked.waits = True
    if not asked.streams:
        seen.ended(run)


def fail(run: Run, error: BaseException | None) -> None:
    """The engine has raised."""
    seen.failed(run, error)


def reading(stream: str) -> Run | None:
    """A stream of a model begins here: the engine that waits for it."""
    engine: Any = ctx.current().get(_ENGINE)
    innermost = engine
    while engine is not None:
        engine.more.held.streams.add(stream)
        engine = engine.more.held.outer
    return innermost if isinstance(innermost, Run) else None


def read(engine: Run | None, stream: str, said: str | None, error: BaseException | None) -> None:
    """A stream is over: engines that have waited for it are over, too."""
    for run in _waiting(engine, stream):
        if run.handle is not None and said and run.handle.wants_content:
            run.handle.set_output(said)
        seen.failed(run, error)


def dropped(engine: Run | None, stream: str) -> None:
    """A stream has gone that nobody has read; maybe where the garbage collector runs."""
    for run in _waiting(engine, stream):
        if run.handle is not None:
            run.handle.left(leaving.ABANDONED)


def _waiting(engine: Run | None, stream: str) -> list[Run]:
    found = []
    while engine is not None:
        asked: Asked = engine.more.held
        asked.streams.discard(stream)
        if asked.waits and not asked.streams:
            found.append(engine)
        engine = asked.outer
    return found
