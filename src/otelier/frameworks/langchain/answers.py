"""What LangChain tells of a model call: the request by its metadata, the answer as a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import semconv, statics, wire
from otelier.frameworks.langchain.messages import listed, message
from otelier.frameworks.models import Told
from otelier.semconv import Attributes
from otelier.usage import Usage

# LangChain's names of providers, where the conventions have another.
_PROVIDERS: Final = {
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}
_NUMBERS: Final = (
    ("ls_temperature", semconv.REQUEST_TEMPERATURE),
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("top_p", semconv.REQUEST_TOP_P),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY),
)
_COUNTS: Final = (
    ("ls_max_tokens", semconv.REQUEST_MAX_TOKENS),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS),
    ("seed", semconv.REQUEST_SEED),
    ("top_k", semconv.REQUEST_TOP_K),
)
# Those whose SDK is below LangChain's integration.
_HOOKED: Final = frozenset({"openai", "azure", "anthropic"})
# By which a provider's integration says why an answer ended.
_REASONS: Final = ("finish_reason", "stop_reason", "done_reason")
# Identifiers that LangChain makes itself, where the provider gave none.
_OWN_IDS: Final = ("run-", "run--", "lc_")


def told(asked: Any, metadata: Any, parameters: Any, result: Any) -> Told:
    """All that is known of a call that nobody else has seen; ``result`` is None if it failed."""
    metadata, parameters = wire.fields(metadata), wire.fields(parameters)
    named = (metadata.get("ls_model_name"), parameters.get("model"), parameters.get("model_name"))
    provider = wire.text(metadata.get("ls_provider"))
    found = Told(
        provider=_PROVIDERS.get(provider, provider) if provider else None,
        model=next(filter(None, map(wire.text, named)), None),
        asked=_heard(asked),
        tools=parameters.get("tools") or parameters.get("functions"),
        parameters=_parameters({**parameters, **metadata}),
    )
    if result is not None:
        _answered(found, statics.storage(result))
    return found


def cached(result: Any, metadata: Any) -> bool:
    """Whether LangChain's cache has answered, and no model."""
    for generation in _generations(statics.storage(result)):
        used = wire.fields(_held(generation.get("message")).get("usage_metadata"))
        if "total_cost" in used:
            return bool(used["total_cost"] == 0)
    # Older versions do not say so: the call to a provider whose SDK is hooked would have been seen.
    provider = wire.fields(metadata).get("ls_provider")
    return (
        provider in _HOOKED and statics.loaded("langchain_core.globals", "_llm_cache") is not None
    )


def _heard(asked: Any) -> Any:
    """Messages of a chat model, or the prompt of another one."""
    return asked if issubclass(type(asked), str) else listed(asked)


def _parameters(given: Mapping[str, Any]) -> Attributes:
    found: Attributes = {}
    for name, attribute in _NUMBERS:
        number = wire.number(given.get(name))
        if number is not None:
            found.setdefault(attribute, number)
    for name, attribute in _COUNTS:
        count = wire.count(given.get(name))
        if count is not None:
            found.setdefault(attribute, count)
    stops = [each for each in wire.items(given.get("ls_stop") or given.get("stop")) if each]
    if stops and all(type(each) is str for each in stops):
        found[semconv.REQUEST_STOP_SEQUENCES] = stops
    return found


def _answered(found: Told, result: Mapping[str, Any]) -> None:
    answers, reasons = [], []
    for generation in _generations(result):
        held = _held(generation.get("message"))
        if held:
            answers.append(message(generation["message"]))
        elif wire.text(generation.get("text")):
            answers.append({"role": "assistant", "content": generation["text"]})
        about = {
            **wire.fields(generation.get("generation_info")),
            **wire.fields(held.get("response_metadata")),
        }
        reasons.append(next(filter(None, (wire.text(about.get(name)) for name in _REASONS)), None))
        found.response_model = found.response_model or wire.text(
            about.get("model_name") or about.get("model")
        )
        own = wire.text(about.get("id")) or wire.text(held.get("id"))
        if own and not own.startswith(_OWN_IDS):
            found.response_id = own
        if found.usage is None:
            found.usage = _used(wire.fields(held.get("usage_metadata")))
    found.answer = [each for each in answers if each]
    found.finish_reasons = reasons if any(reasons) else []
    if found.usage is None:
        output = wire.fields(result.get("llm_output"))
        found.usage = _counted(wire.fields(output.get("token_usage") or output.get("usage")))


def _generations(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The answers to one request."""
    rows = wire.items(result.get("generations"))
    return [_held(each) for row in rows[:1] for each in wire.items(row)]


def _held(value: Any) -> Mapping[str, Any]:
    return statics.storage(value) if value is not None else {}


def _used(usage: Mapping[str, Any]) -> Usage | None:
    """LangChain's own counts: cached and reasoning tokens are parts of the two."""
    read, wrote = wire.count(usage.get("input_tokens")), wire.count(usage.get("output_tokens"))
    if read is None and wrote is None:
        return None
    inner = wire.fields(usage.get("input_token_details"))
    outer = wire.fields(usage.get("output_token_details"))
    return Usage(
        input=read,
        output=wrote,
        cache_read=wire.count(inner.get("cache_read")),
        cache_write=wire.count(inner.get("cache_creation")),
        audio_input=wire.count(inner.get("audio")),
        audio_output=wire.count(outer.get("audio")),
        reasoning=wire.count(outer.get("reasoning")),
    )


def _counted(usage: Mapping[str, Any]) -> Usage | None:
    """Counts by the names of OpenAI's completions, as integrations keep them."""
    read = wire.first_count(usage, "prompt_tokens", "input_tokens")
    wrote = wire.first_count(usage, "completion_tokens", "output_tokens")
    return None if read is None and wrote is None else Usage(input=read, output=wrote)
