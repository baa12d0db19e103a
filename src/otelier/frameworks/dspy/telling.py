"""What DSPy knows of a call that nobody else has seen."""

from __future__ import annotations

from typing import Any, Final

from otelier import statics, wire
from otelier.frameworks.models import Told as Told
from otelier.hooks.calling import argument
from otelier.semconv import Attributes
from otelier.usage import Usage

# DSPy's spelling of who answers, before the model's name.
_PREFIXES: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "groq": "groq",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
    "xai": "x_ai",
    "cohere": "cohere",
    "openrouter": "openrouter",
}
_PARAMETERS: Final = (
    ("temperature", "gen_ai.request.temperature"),
    ("top_p", "gen_ai.request.top_p"),
    ("top_k", "gen_ai.request.top_k"),
    ("max_tokens", "gen_ai.request.max_tokens"),
    ("frequency_penalty", "gen_ai.request.frequency_penalty"),
    ("presence_penalty", "gen_ai.request.presence_penalty"),
    ("seed", "gen_ai.request.seed"),
)


def of_path(lm: Any, call: Any, result: Any) -> Told:
    """Of ``execute(lm, call)``: what it was given, and its result if there is one."""
    request, legacy = statics.member(call, "request"), statics.member(call, "legacy")
    options = legacy if type(legacy) is dict else {}
    told = _asked(lm, options)
    told.asked = options.get("messages") if request is None else _messages(request)
    told.tools = options.get("tools")
    if result is None:
        return told
    told.answer = _answers(statics.member(result, "outputs"))
    told.usage = usage(statics.member(result, "usage"))
    responses = wire.items(statics.member(result, "responses"))
    if responses:
        told.response_model = _text(statics.member(responses[0], "model"))
        told.response_id = _text(statics.member(responses[0], "id"))
        told.finish_reasons = [_text(statics.member(each, "finish_reason")) for each in responses]
    else:
        _responded(told, statics.member(result, "raw"))
    return told


def of_call(lm: Any, args: Any, kwargs: Any, outputs: Any, entry: Any) -> Told | None:
    """Of a model that is called, and of what DSPy writes of it into its history.

    None if its cache has answered.
    """
    response = entry.get("response") if type(entry) is dict else None
    if statics.member(response, "cache_hit") is True or _emptied(entry, response):
        return None
    prompt = argument(args, kwargs, 0, "prompt")
    held = statics.member(lm, "kwargs")
    told = _asked(lm, {**(held if type(held) is dict else {}), **kwargs})
    told.asked = argument(args, kwargs, 1, "messages") or prompt
    told.tools = kwargs.get("tools")
    told.answer = _answers(outputs)
    if type(entry) is dict:
        told.usage = usage(entry.get("usage"))
        _responded(told, response)
    return told


def _emptied(entry: Any, response: Any) -> bool:
    """Whether DSPy's cache has taken the usage away, which LiteLLM's answers have: before 3.1."""
    if not statics.identity(type(response))[0].startswith("litellm."):
        return False
    return type(entry.get("usage")) is dict and not entry["usage"]


def _asked(lm: Any, options: dict[str, Any]) -> Told:
    named = _text(statics.member(lm, "model"))
    prefix, _, rest = (named or "").partition("/")
    provider = _PREFIXES.get(prefix) if rest else None
    parameters: Attributes = {}
    for name, attribute in _PARAMETERS:
        value = options.get(name)
        if type(value) is int or type(value) is float:
            parameters[attribute] = value
    model = rest if provider is not None else named
    return Told(provider=provider, model=model, parameters=parameters)


def _responded(told: Told, response: Any) -> None:
    """What a response of OpenAI's shape says."""
    raw = wire.fields(response)
    told.response_model, told.response_id = wire.text(raw.get("model")), wire.text(raw.get("id"))
    choices = [wire.fields(choice) for choice in wire.items(raw.get("choices"))]
    told.finish_reasons = [wire.text(choice.get("finish_reason")) for choice in choices]
    if told.usage is None:
        told.usage = usage(raw.get("usage"))


def _answers(outputs: Any) -> list[dict[str, Any]] | None:
    """The answers as messages: texts, or texts with the calls of tools beside them."""
    found: list[dict[str, Any]] = []
    for output in wire.items(outputs):
        if type(output) is str:
            found.append({"role": "assistant", "content": output})
        elif issubclass(type(output), dict):
            held = dict(dict.items(output))
            message = {"role": "assistant", "content": held.get("text")}
            for name in ("tool_calls", "reasoning_content"):
                if held.get(name):
                    message[name] = held[name]
            found.append(message)
    return found or None


def _messages(request: Any) -> list[dict[str, Any]]:
    """The texts of the messages of a request of DSPy's own kind."""
    found = []
    system = statics.member(request, "system")
    if type(system) is str:
        found.append({"role": "system", "content": system})
    for message in wire.items(statics.member(request, "messages")):
        texts = (statics.member(part, "text") for part in wire.items(_parts(message)))
        content = "".join(text for text in texts if type(text) is str)
        found.append({"role": _text(statics.member(message, "role")) or "user", "content": content})
    return found


def _parts(message: Any) -> Any:
    return statics.member(message, "parts")


def usage(told: Any) -> Usage | None:
    """What a call has used, by the names that OpenAI has for it."""
    raw = wire.fields(told)
    if not raw:
        return None
    read = wire.fields(raw.get("prompt_tokens_details"))
    wrote = wire.fields(raw.get("completion_tokens_details"))
    return Usage(
        input=wire.first_count(raw, "prompt_tokens", "input_tokens"),
        output=wire.first_count(raw, "completion_tokens", "output_tokens"),
        cache_read=wire.first_count(read, "cached_tokens"),
        cache_write=wire.first_count(read, "cache_creation_tokens"),
        reasoning=wire.first_count(wrote, "reasoning_tokens"),
        audio_input=wire.first_count(read, "audio_tokens"),
        audio_output=wire.first_count(wrote, "audio_tokens"),
    )


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None
