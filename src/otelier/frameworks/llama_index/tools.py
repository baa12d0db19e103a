"""Tools: ``execute_tool``, as the model has asked for them or the program calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from otelier import context as ctx
from otelier import pipeline, statics, wire
from otelier.executed import Executed
from otelier.frameworks.llama_index import messages, seen
from otelier.frameworks.llama_index.seen import Entered, runs
from otelier.frameworks.steps import Run
from otelier.hooks import runners

_PLAIN: Final = (str, int, float, bool, dict, list, type(None))
# Parameters by what they were made from: the framework makes them anew for each request.
_parameters: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


class _Tool(Executed):
    """A tool, and the object and the method that it is."""

    __slots__ = ("method", "tool")

    tool: Any
    method: str


def begin(entered: Entered) -> Run | None:
    """A tool is called. One whose synchronous twin does the work is one."""
    tool = statics.member(entered.owner, "base_tool", entered.owner)
    around: Any = ctx.current().get(ctx.STEP)
    if (
        type(around) is _Tool
        and around.tool is tool
        and around.method != entered.method
        and not around.ended
    ):
        return None
    above = None if entered.above is None else runs.of(entered.above)
    asked = None if above is None else above.more.held
    call_id, asked_for = statics.member(asked, "tool_id"), statics.member(asked, "tool_name")
    metadata = statics.member(tool, "_metadata")
    name = statics.member(metadata, "name", asked_for)
    description = statics.member(metadata, "description")
    run = seen.begin(
        entered,
        pipeline.tool(
            name if isinstance(name, str) else "",
            description=description if isinstance(description, str) else None,
            call_id=call_id if isinstance(call_id, str) else None,
        ),
        finish,
        made=_Tool,
    )
    handle = None if run is None else run.handle
    if isinstance(handle, _Tool):
        handle.tool, handle.method = tool, entered.method
        handle.function = statics.member(tool, "_real_fn", statics.member(tool, "_fn"))
        if handle.wants_content:
            handle.set_arguments(_arguments(tool, entered.arguments))
    return run


def _arguments(tool: Any, given: Mapping[str, Any]) -> Any:
    """What a tool is called with, by names; without the framework's own context."""
    found = dict(given)
    positional, named = found.pop("args", ()), found.pop("kwargs", {})
    found.update(named)
    found.pop(statics.member(tool, "ctx_param_name"), None)
    if not positional:
        return found
    if len(positional) == 1 and not found:
        return {"input": positional[0]}
    return {"args": list(positional), **found}


def finish(run: Run, result: Any) -> None:
    """A tool has returned its result, or what the model is told of its failure."""
    if run.handle is None:
        return
    failed = statics.member(result, "is_error") is True
    content = None
    if run.handle.wants_content or failed:
        raw = statics.member(result, "raw_output")
        content = raw if raw is not None and type(raw) in _PLAIN else messages.text(result)
    runners.close_tool(run.handle, failed, content)


def definitions(tools: Any) -> list[dict[str, Any]]:
    """What a model is told of tools."""
    return list(_definitions(tools))


def _definitions(tools: Any) -> Iterator[dict[str, Any]]:
    for tool in wire.items(tools):
        metadata = statics.member(tool, "_metadata")
        name = statics.member(metadata, "name")
        if isinstance(name, str):
            description = statics.member(metadata, "description")
            yield {"name": name, "description": description, "parameters": _schema(metadata)}


def _schema(metadata: Any) -> Any:
    made_from = statics.member(metadata, "fn_schema")
    if made_from is None:
        return None
    if made_from not in _parameters:
        _parameters[made_from] = metadata.get_parameters_dict()
    return _parameters[made_from]
