"""A framework's run of a model that no SDK's hook has seen: the framework's own word for it.

:func:`begin` where the run begins, :func:`over` where it is over. If a hook has seen the call in
between, that hook has its span, and nothing is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.context import Context

from otelier import call, guard, leaving, model_runs, runtime, semconv, statics, wire
from otelier import context as ctx
from otelier.conversation import heard, instructions, offered, said
from otelier.hooks import stepping
from otelier.hooks.stepping import Blame, Wrapper, itself
from otelier.identity import Identity
from otelier.model_runs import ModelRun
from otelier.nohandle import NoHandle
from otelier.protocols import Content, Reply, Route, WholeReader, finish
from otelier.returned import Hear
from otelier.semconv import Attributes
from otelier.usage import Usage


@dataclass(slots=True)
class Told:
    """What a framework knows of a model call. All of it may be unknown; nothing is guessed.

    ``asked`` and ``answer`` are texts or chat messages in any shape that
    :mod:`otelier.conversation` reads; ``parameters`` are attributes of the request by their
    conventions' names; ``error`` is the kind of a failure that raised nothing.
    """

    provider: str | None = None
    model: str | None = None
    asked: Any = None
    system: Any = None
    tools: Any = None
    parameters: Attributes = field(default_factory=dict)
    answer: Any = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: list[str | None] = field(default_factory=list)
    usage: Usage | None = None
    error: str | None = None
    error_message: str | None = None


def begin(context: Context | None = None) -> ModelRun | None:
    """A run begins here; its call belongs into ``context``, if that is not where it is made.

    None where nothing is to be seen. Never raises.
    """
    try:
        if runtime.current() is None:
            return None
        run = ModelRun(context)
        model_runs.mark.set(run)
        return run
    except Exception:
        guard.failed("frameworks.models")
        return None


def over(
    run: ModelRun | None,
    told: Told,
    error: BaseException | None = None,
    *,
    ended: tuple[float, int] | None = None,
) -> None:
    """The run is over: where nobody has seen its call, that has its span now. Never raises.

    ``ended``: when, by ``perf_counter`` and ``time_ns``, if that was not now.
    """
    if run is None:
        return
    try:
        if model_runs.mark.get() is run:
            model_runs.mark.set(None)
        if run.seen or runtime.current() is None:
            return
        run.seen = True
        token = ctx.attach(run.where)
        try:
            _made(run, told, error, ended)
        finally:
            ctx.detach(token)
    except Exception:
        guard.failed("frameworks.models")


class Asking(NoHandle):
    """One call of a model, where a step would be: it has no span but that of who sees the call.

    The mark is there while the model's own code runs, and not while the program has its stream.
    """

    holds = True

    def __init__(self, run: ModelRun, told: Callable[[Asking], Told | None]) -> None:
        """``told`` gives what is known when it is over; None where nobody was asked."""
        self._run: ModelRun | None = run
        self._told = told
        self._around: ModelRun | None = None
        # What came of it: a whole answer, or the pieces of one.
        self.answer: Any = None
        self.pieces: list[Any] = []

    def enter(self) -> Any:
        """Whoever sees the model's call says so."""
        self._around = model_runs.mark.get()
        model_runs.mark.set(self._run)
        return self._leave

    def heard(self, item: Any) -> None:
        """Its generator has given this."""
        run = self._run
        if run is not None and not run.seen:
            self.pieces.append(item)

    def _leave(self) -> None:
        model_runs.mark.set(self._around)

    def end(self, error: BaseException | None = None) -> None:
        """It has answered, or has not."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            told = None if run.seen else self._told(self)
            if told is None:
                run.seen = True
            over(run, told or Told(), error)
            # One that asks another has no answer of its own.
            if self._around is not None:
                self._around.seen = True
        except Exception:
            guard.failed("frameworks.asking")

    def left(self, how: str = leaving.CLOSED) -> None:
        """A stream that was never read has asked nobody."""
        self._run = None


def ask(told: Callable[[Asking], Told | None], made: type[Asking] = Asking) -> Asking | None:
    """A model is asked here; the mark of that is there when it is entered. None as at `begin`."""
    mark = model_runs.mark.get()
    run = begin()
    model_runs.mark.set(mark)
    return None if run is None else made(run, told)


def around(
    told: Callable[[Any, Any, Any, Any], Told | None],
    shown: Callable[[], bool] = lambda: True,
    *,
    made: type[Asking] = Asking,
    blame: Blame = itself,
    whole: bool = False,
    pieces: bool = False,
) -> tuple[Wrapper, Wrapper]:
    """The wrappers of a function that asks a model once, and gives its answer or a generator.

    ``told(owner, args, kwargs, asking)`` is what the framework knows when that is over, asked only
    where nobody else has seen the call; None where nobody was asked. ``asking`` is one of ``made``.
    ``whole``: whatever is given back is all there; ``pieces`` keeps the items of a generator.
    """

    def asked(owner: Any, args: Any, kwargs: Any) -> NoHandle | None:
        if not shown():
            return None
        return ask(lambda asking: told(owner, args, kwargs, asking), made)

    def answered(handle: Any, result: Any) -> None:
        handle.answer = result

    def hearing(handle: Any) -> Hear:
        return handle.heard if pieces else None

    return stepping.around(asked, answered, blame, lasts=not whole, hearing=hearing)


def _made(
    run: ModelRun,
    told: Told,
    error: BaseException | None,
    ended: tuple[float, int] | None,
) -> None:
    who = Identity(told.provider or "", None, None, "")
    made = call.begin(_CHAT, {"told": told}, who, model=told.model, since=run.began)
    if made is None:
        return
    how = leaving.how(error)
    if error is not None and how is None:
        made.fail(error)
    else:
        # What somebody has left early has maybe said something.
        made.whole({"told": told})
        made.end(how, ended and (ended[0] - run.began[0], ended[1]))


def _told(body: wire.Wire) -> Told:
    told = body.get("told")
    return told if isinstance(told, Told) else Told()


def _content(body: wire.Wire) -> Content:
    told = _told(body)
    asked = heard(told.asked)[0] if told.asked is not None else []
    return Content(asked, instructions(told.system), offered(told.tools))


class _Reader(WholeReader):
    """The answer, as the framework tells it."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        told = _told(self._raw)
        reply = Reply(
            model=told.response_model,
            finish_reasons=[finish.reason(each) if each else None for each in told.finish_reasons],
            usage=told.usage,
            error=told.error,
            error_message=told.error_message,
        )
        if told.response_id:
            reply.attributes[semconv.RESPONSE_ID] = told.response_id
        if self._keep and told.answer is not None:
            reply.messages = said(told.answer)[0]
        return reply


_CHAT: Final = Route(semconv.CHAT, lambda body: _told(body).parameters, _content, _Reader)


def parameters(owner: Any, table: Iterable[tuple[str, str]]) -> Attributes:
    """The numbers that a framework's model is set to: stored attribute, the conventions' name."""
    found: Attributes = {}
    for name, attribute in table:
        value = statics.member(owner, name)
        if type(value) is int or type(value) is float:
            found[attribute] = value
    return found
