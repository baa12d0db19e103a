"""OpenTelemetry instrumentation for GenAI: every model call, tool call and step becomes a span.

``opentelemetry-instrument python app.py`` needs nothing of this. In code: :func:`instrument`;
:class:`session` for who and why; :func:`workflow`, :func:`agent`, :func:`tool`, :func:`retrieval`
and :func:`step` for what no SDK shows.
"""

from __future__ import annotations

from otelier.evaluation import record_evaluation, span_of
from otelier.instrumentor import OtelierInstrumentor, instrument, uninstrument
from otelier.pipeline import agent, retrieval, step, tool, workflow
from otelier.session import session
from otelier.version import __version__

__all__ = [
    "OtelierInstrumentor",
    "__version__",
    "agent",
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
