"""Agno beside other instrumentations of it: steps are theirs, model calls are there once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("agno")
pytest.importorskip("openinference.instrumentation.agno")

from openinference.instrumentation.agno import AgnoInstrumentor as OpenInference
from opentelemetry.instrumentation.agno import AgnoInstrumentor as Traceloop
from opentelemetry.instrumentation.genai.agno import AgnoInstrumentor as Official

from tests.lineage.frameworks import agno_parts as parts
from tests.lineage.frameworks.beside import both
from tests.lineage.frameworks.drawing import model_calls
from tests.servers import ProviderServer
from tests.telemetry import Telemetry


@pytest.fixture(params=[OpenInference, Traceloop, Official])
def beside(request: pytest.FixtureRequest, theirs_first: bool) -> Iterator[Telemetry]:
    yield from both(request.param(), theirs_first, skip_dep_check=True)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_model_call_is_there_once(
    server: ProviderServer, beside: Telemetry, stream: bool
) -> None:
    server.script(parts.calls(stream=stream), parts.says(stream=stream))
    one = parts.agent(server)
    if stream:
        list(one.run("Paris?", stream=True))
    else:
        one.run("Paris?")
    ours = [span for span in beside.spans() if span.instrumentation_scope.name == "otelier"]
    kinds = [(span.attributes or {}).get("openinference.span.kind") for span in beside.spans()]
    if "LLM" in kinds:
        # OpenInference shows models itself, and has its SDK's instrumentations be quiet.
        assert not ours and kinds.count("LLM") == 2
        return
    assert {span.name for span in ours} == {f"chat {parts.MODEL}"}
    assert len(model_calls(beside)) == len(server.requests) == 2
