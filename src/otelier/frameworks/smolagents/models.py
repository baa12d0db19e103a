"""Models that run here, or of the program's own classes: no SDK's hook sees their calls.

smolagents' classes for the SDKs that otelier hooks are left alone: their calls are seen there.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, statics, wire
from otelier.frameworks import models
from otelier.frameworks.models import Asking, Told
from otelier.frameworks.smolagents import reading, running
from otelier.hooks import subclasses
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.semconv import Attributes
from otelier.usage import Usage

_MODULE: Final = "smolagents.models"
# Of these, and what is made of them, hooks of SDKs see every call.
_SEEN: Final = frozenset(
    {"OpenAIModel", "OpenAIServerModel", "AzureOpenAIModel", "AzureOpenAIServerModel"}
    | {"LiteLLMModel", "LiteLLMRouterModel", "InferenceClientModel", "HfApiModel"}
    | {"AmazonBedrockModel", "AmazonBedrockServerModel"}
)
# What runs a model in this process.
_PROVIDERS: Final = {"VLLMModel": "vllm", "MLXModel": "mlx", "TransformersModel": "huggingface"}
_PARAMETERS: Final = (
    ("temperature", semconv.REQUEST_TEMPERATURE),
    ("top_p", semconv.REQUEST_TOP_P),
    ("top_k", semconv.REQUEST_TOP_K),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS),
    ("max_new_tokens", semconv.REQUEST_MAX_TOKENS),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY),
    ("seed", semconv.REQUEST_SEED),
)


def patch(library: str, module: Any, patches: Patches) -> str:
    """Wrap what asks a model, of the classes that there are and of those that there will be."""
    base = module.__dict__.get("Model")
    if base is None:
        raise LookupError(f"{module.__name__}.Model")
    # Before 1.15 a model is called itself.
    methods = ("generate", "generate_stream") if "generate" in base.__dict__ else ("__call__",)
    wrappers = models.around(_told, running.shown, pieces=True)
    subclasses.cover(patches, base, methods, wrappers, _is_seen)
    return f"Model.{methods[0]}"


def _is_seen(kind: type) -> bool:
    return reading.is_a(kind, _MODULE, _SEEN)


def _told(model: Any, args: Any, kwargs: Any, asking: Asking) -> Told:
    return Told(
        provider=next(
            (
                _PROVIDERS[statics.name(base)]
                for base in statics.bases(type(model))
                if statics.name(base) in _PROVIDERS and statics.identity(base)[0] == _MODULE
            ),
            None,
        ),
        model=reading.text(model, "model_id"),
        asked=_messages(argument(args, kwargs, 0, "messages")),
        tools=[reading.definition(each) for each in wire.items(_tools(args, kwargs))],
        parameters=_parameters(model, args, kwargs),
        answer=_answer(asking),
        usage=_usage(asking.pieces or [asking.answer]) or _counted(model),
    )


def _answer(asking: Asking) -> Any:
    if not asking.pieces:
        return reading.message(asking.answer)
    texts = [reading.text(piece, "content") or "" for piece in asking.pieces]
    return reading.message({"role": "assistant", "content": "".join(texts)})


def _tools(args: Any, kwargs: Any) -> Any:
    # The fourth of all versions.
    return argument(args, kwargs, 3, "tools_to_call_from")


def _messages(asked: Any) -> list[Any]:
    return [each for each in map(reading.message, wire.items(asked)) if each is not None]


def _parameters(model: Any, args: Any, kwargs: Any) -> Attributes:
    """What is set at the model goes before what the call says, as smolagents does it."""
    given = {**kwargs, **wire.fields(statics.member(model, "kwargs"))}
    found: Attributes = {}
    for name, attribute in _PARAMETERS:
        value = given.get(name)
        if type(value) is int or type(value) is float:
            found[attribute] = value
    stops = wire.items(argument(args, kwargs, 1, "stop_sequences"))
    if stops and all(type(each) is str for each in stops):
        found[semconv.REQUEST_STOP_SEQUENCES] = list(stops)
    return found


def _usage(answers: list[Any]) -> Usage | None:
    """What all pieces say together that was used; None where none says anything."""
    found: Usage | None = None
    for each in answers:
        used = statics.member(each, "token_usage")
        counts = [
            wire.count(statics.member(used, f"{name}_tokens")) for name in ("input", "output")
        ]
        if counts != [None, None]:
            found = found or Usage(input=0, output=0)
            found.input = (found.input or 0) + (counts[0] or 0)
            found.output = (found.output or 0) + (counts[1] or 0)
    return found


def _counted(model: Any) -> Usage | None:
    """What older versions leave at the model itself."""
    counts = [
        wire.count(statics.member(model, f"last_{name}_token_count"))
        for name in ("input", "output")
    ]
    return None if None in counts else Usage(input=counts[0], output=counts[1])
