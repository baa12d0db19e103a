"""Steps that no SDK shows: workflow, agent, tool, retrieval and step.

Each is a decorator (bare, or with a name and options) for functions, coroutines, generators and
async generators, and a context manager. Span types, names, attributes and metrics are those of
the conventions; arguments and results follow the content policy.

``prompt`` (a name, or a :class:`otelier.Prompt`) says which prompt the step and the model calls in
it are made with; ``capture=False`` keeps arguments and results out, whatever the content policy.
"""

from __future__ import annotations

from typing import Any, overload

from otelier import semconv
from otelier.declared import F, Step
from otelier.kinds import AGENT, RETRIEVAL, STEP, TOOL, WORKFLOW, Kind
from otelier.prompts import Prompt, named
from otelier.semconv import Attributes


@overload
def workflow(name: F, /) -> F: ...
@overload
def workflow(
    name: str | None = None, /, *, prompt: Prompt | str | None = None, capture: bool = True
) -> Step: ...
def workflow(
    name: Any = None, /, *, prompt: Prompt | str | None = None, capture: bool = True
) -> Any:
    """An application's process of several steps: span ``invoke_workflow {name}``.

    ``@workflow``, ``@workflow("name")`` or ``with workflow("name")``. ``capture=False`` keeps
    arguments and results out, whatever the content policy. Messages and sums as for an agent.
    """
    return _make(WORKFLOW, name, {}, {"prompt": named(prompt), "capture": capture})


@overload
def agent(name: F, /) -> F: ...
@overload
def agent(
    name: str | None = None,
    /,
    *,
    description: str | None = None,
    model: str | None = None,
    prompt: Prompt | str | None = None,
    capture: bool = True,
) -> Step: ...
def agent(
    name: Any = None,
    /,
    *,
    description: str | None = None,
    model: str | None = None,
    prompt: Prompt | str | None = None,
    capture: bool = True,
) -> Any:
    """An agent in this process: span ``invoke_agent {name}``.

    ``model`` only where the agent uses one single model. Model calls and tools inside are counted,
    and the tokens and the cost of all calls beneath summed up. A text among the arguments, or a
    list of chat messages, is what the user says; a text that is returned, or given away piece by
    piece, what the assistant does (``set_input`` and ``set_output`` of a context manager).
    """
    attributes: Attributes = {}
    if description:
        attributes[semconv.AGENT_DESCRIPTION] = description
    if model:
        attributes[semconv.REQUEST_MODEL] = model
    return _make(AGENT, name, attributes, {"prompt": named(prompt), "capture": capture})


@overload
def tool(name: F, /) -> F: ...
@overload
def tool(
    name: str | None = None,
    /,
    *,
    description: str | None = None,
    type: str = "function",
    call_id: str | None = None,
    arguments: Any = None,
    prompt: Prompt | str | None = None,
    capture: bool = True,
) -> Step: ...
def tool(
    name: Any = None,
    /,
    *,
    description: str | None = None,
    type: str = "function",
    call_id: str | None = None,
    arguments: Any = None,
    prompt: Prompt | str | None = None,
    capture: bool = True,
) -> Any:
    """A tool's execution: span ``execute_tool {name}``.

    ``type`` is ``function``, ``extension`` or ``datastore``; ``call_id`` the id of the model's tool
    call; ``arguments`` for the context manager (a dict, or JSON text as the model gave it).
    """
    attributes: Attributes = {semconv.TOOL_TYPE: type}
    if description:
        attributes[semconv.TOOL_DESCRIPTION] = description
    if call_id:
        attributes[semconv.TOOL_CALL_ID] = call_id
    return _make(
        TOOL,
        name,
        attributes,
        {"prompt": named(prompt), "capture": capture, "arguments": arguments},
    )


@overload
def retrieval(name: F, /) -> F: ...
@overload
def retrieval(
    name: str | None = None,
    /,
    *,
    query: str | None = None,
    top_k: int | None = None,
    provider: str | None = None,
    model: str | None = None,
    prompt: Prompt | str | None = None,
    capture: bool = True,
) -> Step: ...
def retrieval(
    name: Any = None,
    /,
    *,
    query: str | None = None,
    top_k: int | None = None,
    provider: str | None = None,
    model: str | None = None,
    prompt: Prompt | str | None = None,
    capture: bool = True,
) -> Any:
    """A search for documents: span ``retrieval {name}``, where the name is the data source's id.

    As a decorator the query is the argument ``query``, or the first one if it is text, and the
    documents are the result.
    """
    attributes: Attributes = {}
    if top_k is not None:
        attributes[semconv.RETRIEVAL_TOP_K] = top_k
    if provider:
        attributes[semconv.PROVIDER_NAME] = provider
    if model:
        attributes[semconv.REQUEST_MODEL] = model
    return _make(
        RETRIEVAL, name, attributes, {"prompt": named(prompt), "capture": capture, "query": query}
    )


@overload
def step(name: F, /) -> F: ...
@overload
def step(
    name: str | None = None, /, *, prompt: Prompt | str | None = None, capture: bool = True
) -> Step: ...
def step(name: Any = None, /, *, prompt: Prompt | str | None = None, capture: bool = True) -> Any:
    """Any other step: an internal span of that name, without a GenAI operation."""
    return _make(STEP, name, {}, {"prompt": named(prompt), "capture": capture})


def _make(kind: Kind, name: Any, attributes: Attributes, options: dict[str, Any]) -> Any:
    if callable(name) or isinstance(name, staticmethod | classmethod):
        return Step(kind, None, attributes, options)(name)
    return Step(kind, name, attributes, options)
