"""Query engines, chat engines and the agents of earlier versions: a question and its answer.

A streamed answer is read after the engine has returned, by the program or by a thread or a task of
the framework's that also writes it to the memory: the engine goes on until that is done.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

from otelier import context as ctx
from otelier import pipeline, returned, statics
from otelier.declared import Step
from otelier.frameworks import steps
from otelier.frameworks.llama_index import classes, messages, seen
from otelier.frameworks.llama_index.conversations import conversation
from otelier.frameworks.llama_index.seen import Entered
from otelier.frameworks.steps import Run
from otelier.handle import Handle
from otelier.returned import AnyHandle, Hear, Reading

# One question after the other is put to an engine: each is a process of its own.
_ASKS_MANY: Final = "SubQuestionQueryEngine"
# Nothing but a model with a memory.
_SIMPLE: Final = "SimpleChatEngine"
_STREAMED: Final = ("StreamingResponse", "AsyncStreamingResponse")
_WRITTEN: Final = "StreamingAgentChatResponse"


class _Engine(Handle):
    """An engine, inside of which others are a part of it."""

    __slots__ = ()


class _Asker(Handle):
    """An engine that asks others several questions."""

    __slots__ = ()


class _Answer(Reading):
    """A streamed answer that the program reads."""

    __slots__ = ()

    def hearing(self, handle: AnyHandle) -> Hear:
        if not handle.wants_content:
            return None
        # Texts, or answers of a model with a text each.
        return lambda item: handle.hear(
            item if type(item) is str else statics.member(item, "delta") or ""
        )

    def result(self, handle: AnyHandle, result: Any) -> None:
        """It was read."""

    def elsewhere(self, module: str) -> bool:
        return False


_answer: Final = _Answer()
# Engines whose answer is being written, by the identity of what they have returned.
_writing: Final[dict[int, tuple[Run, weakref.ref[Any]]]] = {}


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
    return _started(entered, step, conversation(memory), Handle)


def _begin(entered: Entered, step: Step, conversation_id: str | None) -> Run | None:
    if type(ctx.current().get(ctx.STEP)) is _Engine:
        # What an engine asks for its own answer is a part of it.
        if not steps.inner_steps():
            return None
        return seen.begin(entered, pipeline.step(statics.name(type(entered.owner))))
    made = _Asker if classes.is_a(entered.owner, _ASKS_MANY) else _Engine
    return _started(entered, step, conversation_id, made)


def _started(
    entered: Entered, step: Step, conversation_id: str | None, made: type[Handle]
) -> Run | None:
    run = seen.begin(entered, step, finish, conversation_id=conversation_id, made=made)
    if run is not None and run.handle is not None and run.handle.wants_content:
        question = entered.arguments.get("str_or_query_bundle", entered.arguments.get("message"))
        text = question if isinstance(question, str) else statics.member(question, "query_str")
        run.handle.set_input(text if isinstance(text, str) else messages.text(question))
        if "stream" in entered.method:
            # Earlier versions do not say what was read.
            run.handle.mirror()
    return run


def finish(run: Run, result: Any) -> None:
    """The engine has returned its answer, or what reads it."""
    if run.handle is None:
        return
    stream = _stream(result)
    if stream is not None:
        # As decorated functions have it: current where the generator's own code runs.
        reads = statics.member(result, stream)
        setattr(result, stream, returned.finish(reads, run.handle, _answer))
    elif classes.is_a(result, _WRITTEN) and not _is_written(result):
        key = id(result)
        _writing[key] = run, weakref.ref(result, lambda _: _lost(key))
        # Who writes may just have done so.
        if _is_written(result):
            written(result)
    else:
        _answered(run, result)


def _stream(result: Any) -> str | None:
    """Which attribute has the generator that the program reads, if it reads one."""
    if any(classes.is_a(result, name) for name in _STREAMED):
        return "response_gen"
    if classes.is_a(result, _WRITTEN) and statics.member(result, "is_writing_to_memory") is False:
        for name in ("chat_stream", "achat_stream"):
            if statics.member(result, name) is not None:
                return name
    return None


def _is_written(result: Any) -> bool:
    written = statics.member(result, "is_done") is True
    return written or statics.member(result, "exception") is not None


def _answered(run: Run, result: Any, error: BaseException | None = None) -> None:
    if run.handle is None:
        return
    said = statics.member(result, "response")
    if run.handle.wants_content and isinstance(said, str) and said:
        run.handle.set_output(said)
    run.handle.end(error)


def begin_writing(entered: Entered) -> Run | None:
    """A streamed answer is read, and written to the memory."""
    owner = entered.owner

    def finish(run: Run, result: Any) -> None:
        written(owner)

    def fail(run: Run, error: BaseException | None) -> None:
        written(owner, error)

    return seen.pass_by(entered, finish, fail)


def written(result: Any, error: BaseException | None = None) -> None:
    """A streamed answer is complete."""
    held = _writing.pop(id(result), None)
    if held is not None:
        _answered(held[0], result, error)


def _lost(key: int) -> None:
    """Nobody writes it any more; runs where the garbage collector does."""
    held = _writing.pop(key, None)
    if held is not None and held[0].handle is not None:
        held[0].handle.abandoned()


def forget() -> None:
    """Forget the answers that are being written."""
    while _writing:
        run = _writing.popitem()[1][0]
        if run.handle is not None:
            run.handle.abandoned()
