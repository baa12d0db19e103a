"""Haystack beside other instrumentations and tracers: model calls are there once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lineage.frameworks.haystack_offline import HAYSTACK

pytest.importorskip(HAYSTACK)
pytest.importorskip("openinference.instrumentation.haystack")

from haystack import tracing
from openinference.instrumentation.haystack import HaystackInstrumentor as OpenInference
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.haystack import HaystackInstrumentor as Traceloop

from tests.lineage.frameworks.beside import both, together
from tests.lineage.frameworks.drawing import draw, model_calls, tree
from tests.lineage.frameworks.haystack_parts import VERSION, Parrot, model, question, rag, says
from tests.servers import ProviderServer, Raw
from tests.telemetry import Telemetry


@pytest.fixture(params=[OpenInference, Traceloop], ids=["openinference", "traceloop"])
def beside(request: pytest.FixtureRequest, theirs_first: bool) -> Iterator[Telemetry]:
    if request.param is Traceloop and VERSION >= (3, 0):
        pytest.skip("it does not know this version")
    yield from both(request.param(), theirs_first, skip_dep_check=True)


def test_steps_are_theirs(
    server: ProviderServer, beside: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    rag(model(server, says("In Norway."))).run(question())
    rag(model(server, says("In Norway."))).run(question())
    ours = [span for span in beside.spans() if span.instrumentation_scope.name == "otelier"]
    assert [span.name for span in ours] == ["chat gpt-4o"] * 2
    assert len(server.requests) == 2
    said = [each for each in caplog.messages if "is instrumented by" in each]
    assert len(said) == 1
    assert "haystack" in said[0]


def test_a_model_of_ones_own_is_theirs(beside: Telemetry) -> None:
    rag(Parrot("In Norway.")).run(question())
    ours = [span for span in beside.spans() if span.instrumentation_scope.name == "otelier"]
    assert not ours


def test_beside_the_official_one_of_the_sdk(server: ProviderServer, theirs_first: bool) -> None:
    with together(OpenAIInstrumentor(), theirs_first) as telemetry:
        rag(model(server, says("In Norway."))).run(question())
    assert len(model_calls(telemetry)) == 1
    assert draw(telemetry) == "invoke_workflow\n  retrieval\n  chat gpt-4o"


def test_langfuse_in_the_slot(server: ProviderServer, telemetry: Telemetry) -> None:
    """Its spans are among ours, and its generation is the model's call."""
    langfuse = pytest.importorskip("langfuse")
    from haystack_integrations.tracing.langfuse import LangfuseTracer

    server.route("/api/public/otel/v1/traces", Raw(b""))
    client = langfuse.Langfuse(
        public_key="pk",
        secret_key="sk",
        base_url=server.url,
        tracer_provider=telemetry.tracer_provider,
    )
    tracer = LangfuseTracer(tracer=client, name="capitals")
    tracing.enable_tracing(tracer)
    try:
        rag(model(server, says("In Norway."))).run(question())
        assert tracing.tracer.actual_tracer is tracer
    finally:
        tracing.disable_tracing()
        client.shutdown()
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          capitals
            retriever
              retrieval
            ask
            llm
        """
    )
    (call,) = model_calls(telemetry)
    assert call.name == "llm"
    assert (call.attributes or {})["gen_ai.usage.input_tokens"] == 12
