"""OpenTelemetry instrumentation for GenAI: every model call, tool call and step becomes a span.

``opentelemetry-instrument python app.py`` needs nothing of this. In code: :func:`instrument`;
:class:`session` for who and why; :func:`workflow`, :func:`agent`, :func:`tool`, :func:`retrieval`
and :func:`step` for what no SDK shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otelier.version import __version__

if TYPE_CHECKING:
    from otelier.capturing import capture
    from otelier.control import flush, instrument, uninstrument
    from otelier.evaluation import record_evaluation, span_of
    from otelier.handle import current
    from otelier.instrumentor import OtelierInstrumentor
    from otelier.pipeline import agent, retrieval, step, tool, workflow
    from otelier.prompts import Prompt
    from otelier.sessions import session

# Where otelier is started before pytest, pytest would warn that it came too late for its asserts.
__doc__ = f"{__doc__}\nPYTEST_DONT_REWRITE\n"

__all__ = [
    "OtelierInstrumentor",
    "Prompt",
    "__version__",
    "agent",
    "capture",
    "current",
    "flush",
    "instrument",
    "record_evaluation",
    "retrieval",
    "session",
    "span_of",
    "step",
    "tool",
    "uninstrument",
    "workflow",
]

# Where each name is: a program pays for what it names. No module is called like one of them, or
# its import would put it here in the name's place.
_HOMES: Final = {
    "OtelierInstrumentor": "instrumentor",
    "Prompt": "prompts",
    "agent": "pipeline",
    "capture": "capturing",
    "current": "handle",
    "flush": "control",
    "instrument": "control",
    "record_evaluation": "evaluation",
    "retrieval": "pipeline",
    "session": "sessions",
    "span_of": "evaluation",
    "step": "pipeline",
    "tool": "pipeline",
    "uninstrument": "control",
    "workflow": "pipeline",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otelier import loading

    found = globals()[name] = getattr(loading.module(home), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
