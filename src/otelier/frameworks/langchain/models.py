"""Runs of models: where no SDK's hook has seen the call, LangChain's word is the span's.

So it is of local and of fake models, and of clients of their own. An answer from LangChain's cache
is no call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, model_runs
from otelier.frameworks import models
from otelier.frameworks.langchain import answers, endings
from otelier.frameworks.langchain.open_runs import conversation, runs, user
from otelier.frameworks.steps import key
from otelier.hooks.patching import Patches
from otelier.model_runs import ModelRun
from otelier.sessions import belonging


@dataclass(slots=True)
class _Asked:
    """What a run was asked."""

    messages: Any
    metadata: Any
    parameters: Any
    # Of several that one function begins: the mark that stands for all, and how many are to come.
    group: ModelRun | None = None
    left: int = 0
    members: list[ModelRun] = field(default_factory=list)


# By their ids, which are not held: the end of one that is cancelled may never be told.
_open: dict[Any, ModelRun] = {}
_asked: WeakKeyDictionary[ModelRun, _Asked] = WeakKeyDictionary()
# What begins in tasks of its own, for who waits for them.
_begun: ContextVar[list[ModelRun] | None] = ContextVar("otelier-langchain-begun", default=None)


def begin(
    messages: Any, run_id: Any, parent_id: Any, metadata: Any, parameters: Any, count: Any
) -> None:
    """A run begins."""
    begun = _begun.get()
    outer = begun[-1] if begun else model_runs.mark.get()
    asked = _Asked(messages, metadata or {}, parameters)
    if type(count) is int and count > 1:
        run = _of_group(outer, asked, parent_id, count)
    else:
        if outer is not None:
            # A model that asks another one: the call is the inner one's.
            outer.seen = True
        run = models.begin(_where(parent_id, metadata))
    if run is None:
        return
    _open[key(run_id, _gone)] = run
    _asked[run] = asked
    if begun is not None:
        begun.append(asked.group or run)


def _gone(run_key: Any) -> None:
    _open.pop(run_key, None)


def _where(parent_id: Any, metadata: Any) -> Context | None:
    """Where its call belongs, if that is not where it is made."""
    above = runs.of(parent_id)
    if above is not None:
        return None if above.inside else above.context
    thread, whose = conversation(metadata), user(metadata)
    if thread is None and whose is None:
        return None
    here = ctx.current()
    inner = belonging(here, thread, whose)
    return None if inner is here else inner


def _of_group(outer: ModelRun | None, asked: _Asked, parent_id: Any, count: int) -> ModelRun | None:
    """One of several runs, all of which begin before one of them asks."""
    group = _asked.get(outer) if outer is not None else None
    if group is None or group.left <= 0 or group.parameters is not asked.parameters:
        if outer is not None:
            outer.seen = True
        outer = models.begin(_where(parent_id, asked.metadata))
        if outer is None:
            return None
        group = _asked[outer] = _Asked(None, None, asked.parameters, None, count)
    group.left -= 1
    asked.group = outer
    assert outer is not None
    member = ModelRun(outer.context)
    group.members.append(member)
    return member


def runs_now(run_id: Any) -> bool:
    """Whether this is a model's run."""
    return key(run_id) in _open


def end(run_id: Any, result: Any, error: BaseException | None) -> None:
    """A run ends."""
    run = _open.pop(key(run_id), None)
    asked = _asked.pop(run, None) if run is not None else None
    if run is None or asked is None:
        return
    if asked.group is not None:
        run.seen = run.seen or asked.group.seen
        # The span that is made is this one's, and not the call that the group waits for.
        model_runs.mark.set(run)
    if error is None:
        run.seen = run.seen or answers.cached(result, asked.metadata)
    elif endings.control(error):
        run.seen = True
    told = models.Told()
    if not run.seen:
        told = answers.told(asked.messages, asked.metadata, asked.parameters, result)
    models.over(run, told, error)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Where each handler hears in a task of its own, bring the mark back to who asks the model."""
    manager = vars(module).get("AsyncCallbackManager")
    functions = vars(manager) if manager is not None else {}
    patched = []
    for name in ("on_chat_model_start", "on_llm_start"):
        code = getattr(functions.get(name), "__code__", None)
        if code is not None and "inline_tasks" not in code.co_varnames:
            patches.wrap(manager, name, _started)
            patched.append(name)
    if not patched:
        raise LookupError("handlers hear where the model is asked")
    return "AsyncCallbackManager." + " and ".join(patched)


async def _started(wrapped: Callable[..., Any], owner: Any, args: Any, kwargs: Any) -> Any:
    begun: list[ModelRun] = []
    token = _begun.set(begun)
    try:
        managers = await wrapped(*args, **kwargs)
    finally:
        _begun.reset(token)
    try:
        if begun:
            model_runs.mark.set(begun[-1])
    except Exception:
        guard.failed("langchain.models")
    return managers
