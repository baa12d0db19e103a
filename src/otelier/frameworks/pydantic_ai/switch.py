"""Switches Pydantic AI's own spans on, for all agents that do not decide it themselves."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Any, Final, get_args

from opentelemetry.metrics import NoOpMeterProvider

from otelier import natives, runtime
from otelier.frameworks.pydantic_ai import older
from otelier.frameworks.pydantic_ai.policy import content
from otelier.frameworks.pydantic_ai.tracer import Completing
from otelier.hooks.patching import Patches

_SCOPE: Final = "pydantic-ai"
# What all agents do that do not decide it themselves.
_DEFAULT: Final = "_instrument_default"
# What our settings say, where a version knows the option.
_OPTIONS: Final[dict[str, Any]] = {
    "include_binary_content": False,
    # All of the tools' schemas and more, beside the conventions' definitions.
    "include_model_request_parameters": False,
    # The conventions' names, on agents too.
    "use_aggregated_usage_attribute_names": False,
}


def patch(library: str, module: Any, patches: Patches) -> str:
    """Switch it on, unless the program (or Logfire) has; what it decides later stays, too."""
    agent = getattr(module, "Agent", None)
    if agent is None or _DEFAULT not in agent.__dict__:
        raise LookupError("no Agent._instrument_default")
    if agent.__dict__[_DEFAULT] is not False:
        return "its own telemetry, as the program has it"
    run = runtime.current()
    if run is None:
        return "not running"
    try:
        known = import_module("pydantic_ai.models.instrumented").InstrumentationSettings
    except (ImportError, AttributeError) as problem:
        raise LookupError("no InstrumentationSettings") from problem
    settings = _settings(known, run)
    patches.replace(agent, _DEFAULT, settings)
    if not _opens_agents_current():
        patches.undone(natives.watch(_SCOPE, natives.Native(older.begins, older.ends)))
    return "pydantic_ai.Agent.instrument_all"


def _opens_agents_current() -> bool:
    """Whether the tracer sees where an agent's span is current; not in versions of before."""
    try:
        return find_spec("pydantic_ai.capabilities.instrumentation") is not None
    except ImportError:
        return False


def _settings(known: Any, run: runtime.Runtime) -> Any:
    parameters = signature(known.__init__).parameters
    options = {name: value for name, value in _OPTIONS.items() if name in parameters}
    options["version"] = _newest(parameters["version"]) if "version" in parameters else None
    if options["version"] is None:
        raise LookupError("InstrumentationSettings has no version of the conventions' shape")
    settings = _ours(known)(
        tracer_provider=run.tracer_provider,
        # Ours are recorded for the same calls.
        meter_provider=NoOpMeterProvider(),
        **options,
    )
    settings.tracer = Completing(settings.tracer)
    return settings


def _newest(version: Any) -> int | None:
    """The newest format of the data: the values of a Literal, or of its text."""
    said = version.annotation
    numbers = re.findall(r"\d+", said) if isinstance(said, str) else get_args(said)
    found = [int(each) for each in numbers]
    return max(found) if found and max(found) > 1 else None


def _ours(known: Any) -> Any:
    """The settings' class, whose word about content is that of the policy."""

    def ignore(self: Any, value: Any) -> None:
        """What the constructor sets."""

    members = {"include_content": property(content, ignore), "__module__": __name__}
    return type(known.__name__, (known,), members)
