"""``litellm``: its public functions, around all that they call beneath.

An SDK, LiteLLM's own HTTP and its other functions (``acompletion`` runs ``completion`` in a
thread) are beneath one call of the user's: it covers them. The functions are found by name in each
of its modules. They stay functions, since programs pickle them, and copy what holds them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import wraps
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final

from otelier import runtime, semconv, wire
from otelier.call import Call, begin
from otelier.hooks import calling, generators, instances
from otelier.hooks.patching import Patches
from otelier.identity import Identity
from otelier.protocols import Route
from otelier.protocols.litellm import (
    BY_HOST,
    CACHED,
    FACTS,
    PROVIDERS,
    ROUTES,
    UNKNOWN,
    bare,
    ending,
    headers,
    hidden,
    provider_name,
    provider_of,
)

# What modules of LiteLLM that were imported before call these functions.
_ALIASES: Final = {"anthropic_messages": ("_async_anthropic_messages",)}
_CACHE_HIT: Final = semconv.PROVIDER_PREFIX + "cache_hit"


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the functions of LiteLLM's modules; what was patched. Raises LookupError."""
    if "completion" not in module.__dict__:
        raise LookupError(f"{module.__name__}.completion")
    known = frozenset(PROVIDERS) | {
        str(getattr(each, "value", each)) for each in getattr(module, "provider_list", ())
    }
    streams = instances.Streams(patches, f"{module.__name__}.")
    modules = [
        each
        for place, each in list(sys.modules.items())
        if place.partition(".")[0] == "litellm" and each is not None
    ]
    for name, route in ROUTES.items():
        flag = f"a{name}"
        names: Sequence[str] = ()
        for function in (name, flag):
            found = _own(module, function)
            if found:
                names = _positional(found[0]) or names
                opened = _opener(module, route, names, flag, known)
                around = calling.around(opened, _receiver(streams))
                ours = {id(each): _function(each, *around) for each in found}
                for holder in modules:
                    for alias in (function, *_ALIASES.get(function, ())):
                        wrapper = ours.get(id(holder.__dict__.get(alias)))
                        if wrapper is not None:
                            patches.replace(holder, alias, wrapper)
    return f"{module.__name__}.{{a,}}{{{','.join(ROUTES)}}}"


def _own(module: Any, name: str) -> list[Any]:
    """The public function of this name, and those of the same name that it leads to."""
    found: list[Any] = []
    function = module.__dict__.get(name)
    while inspect.isfunction(function):
        found.append(function)
        function = getattr(function, "__wrapped__", None)
    return found


def _positional(function: Any) -> tuple[str, ...]:
    kinds = inspect.signature(function).parameters.values()
    return tuple(each.name for each in kinds if each.kind is each.POSITIONAL_OR_KEYWORD)


def _function(inner: Any, whole: calling.Wrapper, awhole: calling.Wrapper) -> Any:
    if inspect.iscoroutinefunction(inner):

        @wraps(inner)
        async def acall(*args: Any, **kwargs: Any) -> Any:
            return await awhole(inner, None, args, kwargs)

        return acall

    @wraps(inner)
    def call(*args: Any, **kwargs: Any) -> Any:
        return whole(inner, None, args, kwargs)

    return call


def _opener(
    module: Any, route: Route, names: Sequence[str], flag: str, known: frozenset[str]
) -> calling.Open:
    def open_call(owner: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
        run = calling.running("litellm")
        # With the flag, a function of LiteLLM's own gets a coroutine.
        if run is None or kwargs.get(flag) is True:
            return None
        body = {**dict(zip(names, args, strict=False)), **kwargs}
        for name, value in body.items():
            if type(value) is list:  # which the program may go on with while a stream runs
                body[name] = value.copy()
        said = provider_of(body, known, module.model_cost)
        address = wire.text(body.get("api_base")) or wire.text(body.get("base_url"))
        who = _identity(run, said, address)
        call = begin(route, bare(body, known), who, covers=True)
        return None if call is None else (call, route)

    return open_call


def _identity(run: runtime.Runtime, said: str | None, url: str | None) -> Identity:
    named = provider_name(said) if said else None
    if not url:
        return Identity(named or UNKNOWN, None, None, "")
    if said in BY_HOST:
        return calling.identify(run, url)
    return calling.identify(run, url, named, fallback=UNKNOWN)


def _receiver(streams: instances.Streams) -> calling.Receive:
    def receive(call: Call, route: Route, result: Any) -> Any:
        said = hidden(result)
        provider = wire.text(getattr(result, "custom_llm_provider", None))
        from_cache = said.get("cache_hit") is True or provider == CACHED
        _answered(call, provider or wire.text(said.get("custom_llm_provider")), said)
        if from_cache:
            call.put(_CACHE_HIT, True)
        for name, attribute in FACTS:
            fact = wire.text(said.get(name))
            if fact:
                call.put(attribute, fact)
        if call.headers is None:
            call.headers = headers(said)
        if isinstance(result, GeneratorType | AsyncGeneratorType):
            return generators.eagerly(result, call)
        chunks = _chunks(result)
        if not streams.observe(result, call, lambda: ending(chunks, from_cache)):
            call.whole(result)
            call.end()
        return result

    return receive


def _chunks(stream: Any) -> Any:
    """The list in which LiteLLM keeps a stream's chunks as they came."""
    members = getattr(stream, "__dict__", {})
    if "chunks" in members:
        return members["chunks"]
    # A stream of text completions is one of chat completions inside.
    return getattr(members.get("completion_stream"), "chunks", None)


def _answered(call: Call, said: str | None, facts: wire.Wire) -> None:
    """Who answered, where that was not known when the call began."""
    run, known = runtime.current(), call.identity
    if run is None:
        return
    found = known
    if known.address is None:
        url = wire.text(facts.get("api_base"))
        if url:
            found = calling.identify(run, url, known.provider)
    if said and said != CACHED and known.provider == UNKNOWN:
        chosen = run.settings.provider_hosts
        named = chosen.get(f"{found.address}:{found.port}") or chosen.get(found.address or "")
        found = replace(found, provider=named or provider_name(said))
    if found != known:
        call.answered_by(found)
