"""Models that run here, or of the program's own classes: no SDK's hook sees their calls.

smolagents' classes for the SDKs that otelier hooks are left alone: their calls are seen there.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import guard, model_runs, semconv, statics, wire
from otelier.frameworks import models
from otelier.frameworks.models import Told
from otelier.frameworks.smolagents import covering, reading, running
from otelier.handle import Handle, NoHandle
from otelier.hooks.calling import argument
from otelier.hooks.patching import Patches
from otelier.hooks.stepping import around
from otelier.model_runs import ModelRun
from otelier.returned import Hear
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
    wrapper = around(_begin, _finish, lasts=True, hearing=_hearing)[0]
    covering.cover(base, methods, wrapper, _is_seen, patches)
    return f"Model.{methods[0]}"


def _is_seen(kind: type) -> bool:
    return reading.is_a(kind, _MODULE, _SEEN)


class _Asking(NoHandle):
    """One call of a model: no step, but its own word for it, where nobody else has one."""

    holds = True

    def __init__(self, run: ModelRun, model: Any, args: Any, kwargs: Any) -> None:
        self._run: ModelRun | None = run
        self._model, self._args, self._kwargs = model, args, kwargs
        self._around: ModelRun | None = None
        # A message, or the pieces of one.
        self.answer: Any = None
        self.pieces: list[Any] = []

    def enter(self) -> Any:
        """The model's own code runs: whoever sees its call says so."""
        self._around = model_runs.mark.get()
        model_runs.mark.set(self._run)
        return self._leave

    def _leave(self) -> None:
        model_runs.mark.set(self._around)

    def end(self, error: BaseException | None = None) -> None:
        """It has answered, or has not."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            models.over(run, Told() if run.seen else self._told(), error)
            # One that asks another has no answer of its own.
            if self._around is not None:
                self._around.seen = True
        except Exception:
            guard.failed("smolagents.model")

    def left(self, how: str = "") -> None:
        """A stream that was never read has asked nobody."""
        self._run = None

    def _told(self) -> Told:
        model, kwargs = self._model, self._kwargs
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
            asked=_messages(argument(self._args, kwargs, 0, "messages")),
            tools=[reading.definition(each) for each in wire.items(_tools(self._args, kwargs))],
            parameters=_parameters(model, self._args, kwargs),
            answer=self._answer(),
            usage=_usage(self.pieces or [self.answer]) or _counted(model),
        )

    def _answer(self) -> Any:
        if not self.pieces:
            return reading.message(self.answer)
        texts = [reading.text(piece, "content") or "" for piece in self.pieces]
        return reading.message({"role": "assistant", "content": "".join(texts)})


def _begin(model: Any, args: Any, kwargs: Any) -> NoHandle | None:
    if not running.shown():
        return None
    around = model_runs.mark.get()
    run = models.begin()
    model_runs.mark.set(around)
    return None if run is None else _Asking(run, model, args, kwargs)


def _finish(handle: Handle | NoHandle, result: Any) -> None:
    if isinstance(handle, _Asking):
        handle.answer = result


def _hearing(handle: Handle | NoHandle) -> Hear:
    return handle.pieces.append if isinstance(handle, _Asking) else None


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
