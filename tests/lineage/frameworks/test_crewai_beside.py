"""CrewAI beside other instrumentations of it: steps are theirs, model calls are there once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lineage.frameworks.crewai_offline import CREWAI

pytest.importorskip(CREWAI)
pytest.importorskip("openinference.instrumentation.crewai")

from openinference.instrumentation.crewai import CrewAIInstrumentor as OpenInference
from opentelemetry.instrumentation.crewai import CrewAIInstrumentor as Traceloop
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

from tests.lineage.frameworks import crewai_parts as parts
from tests.lineage.frameworks.beside import both, together
from tests.lineage.frameworks.drawing import draw, model_calls
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

OURS = ("invoke_workflow", "invoke_agent", "execute_tool", "retrieval")


@pytest.fixture(
    params=[(OpenInference, {}), (Traceloop, {}), (OpenInference, {"use_event_listener": True})],
    ids=["openinference", "traceloop", "openinference listening"],
)
def beside(request: pytest.FixtureRequest, theirs_first: bool) -> Iterator[Telemetry]:
    kind, options = request.param
    if options and request.node.name.startswith("test_a_model_call"):
        options = {**options, "create_llm_spans": False}
    yield from both(kind(), theirs_first, skip_dep_check=True, **options)


def test_a_model_call_is_there_once(server: ProviderServer, beside: Telemetry) -> None:
    parts.weather(server)
    parts.crew(server).kickoff()
    ours = [span for span in beside.spans() if span.instrumentation_scope.name == "otelier"]
    assert {span.name for span in ours} == {f"chat {parts.MODEL}"}
    assert len(model_calls(beside)) == len(server.requests) == 2


def test_beside_the_official_one_of_the_sdk(
    server: ProviderServer, theirs_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with together(OpenAIInstrumentor(), theirs_first) as telemetry:
        parts.weather(server)
        parts.crew(server).kickoff()
    assert len(model_calls(telemetry)) == 2
    assert "invoke_agent Weather teller\n    chat" in draw(telemetry)
