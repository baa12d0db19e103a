"""OpenTelemetry instrumentation for GenAI: every model call, tool call and step becomes a span.

``opentelemetry-instrument python app.py`` needs nothing of this. In code: :func:`instrument`;
:class:`session` for who and why; :func:`workflow`, :func:`agent`, :func:`tool`, :func:`retrieval`
and :func:`step` for what no SDK shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otelier.capturing import capture
from otelier.control import flush, instrument, uninstrument
from otelier.evaluation import record_evaluation, span_of
from otelier.handle import current
from otelier.pipeline import agent, retrieval, step, tool, workflow
from otelier.prompts import Prompt
from otelier.session import session
from otelier.version import __version__

if TYPE_CHECKING:
    from otelier.instrumentor import OtelierInstrumentor

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


def __getattr__(name: str) -> Any:
    # OpenTelemetry's base class for it is dear to import, and few programs name it.
    if name == "OtelierInstrumentor":
        from otelier.instrumentor import OtelierInstrumentor

        return OtelierInstrumentor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
