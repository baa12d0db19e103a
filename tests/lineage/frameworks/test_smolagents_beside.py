"""smolagents beside other instrumentations of it: steps are theirs, model calls are there once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("smolagents")
pytest.importorskip("openinference.instrumentation.smolagents")

from openinference.instrumentation.smolagents import SmolagentsInstrumentor as OpenInference
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.genai.smolagents import SmolagentsInstrumentor as Official
from smolagents import CodeAgent, Model, TransformersModel
from smolagents.models import ChatMessage, MessageRole

from tests.lineage.frameworks import smolagents_parts as parts
from tests.lineage.frameworks.beside import both, together
from tests.lineage.frameworks.drawing import draw, model_calls, tree
from tests.servers import ProviderServer
from tests.telemetry import Telemetry


@pytest.fixture(params=[OpenInference, Official], ids=["openinference", "official"])
def beside(request: pytest.FixtureRequest, theirs_first: bool) -> Iterator[Telemetry]:
    yield from both(request.param(), theirs_first, skip_dep_check=True)


def ours(telemetry: Telemetry) -> list[str]:
    scopes = [(span.name, span.instrumentation_scope) for span in telemetry.spans()]
    return [name for name, scope in scopes if scope is not None and scope.name == "otelier"]


def test_a_model_call_is_there_once(server: ProviderServer, beside: Telemetry) -> None:
    parts.weather(server)
    assert parts.agent(server).run("And there?") == "Sunny."
    parts.script(server, parts.writes("final_answer(get_weather('Oslo'))"))
    assert parts.coder(server).run("And there?") == "Sunny in Oslo"
    # Their span of it, completed, or ours.
    assert len(model_calls(beside)) == len(server.requests) == 3
    assert set(ours(beside)) <= {f"chat {parts.MODEL}"}
    roots = [span for span in beside.spans() if span.parent is None]
    assert len(roots) == 2


def test_a_model_that_runs_here_is_theirs(beside: Telemetry) -> None:
    said = ChatMessage(
        role=MessageRole.ASSISTANT, content=f"{parts.OPEN}\nfinal_answer(1)\n{parts.CLOSE}"
    )

    class Loaded:
        pass

    model = TransformersModel.__new__(TransformersModel)
    Model.__init__(model, model_id="tiny")
    model.__dict__["_prepare_completion_args"] = lambda **kwargs: {"inputs": _Tokens()}
    model.model = Loaded()
    model.model.generate = lambda **kwargs: _Tokens()
    model.tokenizer = Loaded()
    model.tokenizer.decode = lambda tokens, **kwargs: said.content
    assert CodeAgent(tools=[], model=model, verbosity_level=-1).run("And?") == 1
    assert not ours(beside)


class _Tokens:
    shape = (1, 2)

    def __getitem__(self, which: Any) -> list[int]:
        return [1, 2, 3]


def test_beside_the_official_one_of_the_sdk(server: ProviderServer, theirs_first: bool) -> None:
    with together(OpenAIInstrumentor(), theirs_first) as telemetry:
        parts.weather(server)
        parts.agent(server, name="teller").run("And there?")
    assert draw(telemetry) == tree(
        f"""
        invoke_agent teller
          chat {parts.MODEL}
          execute_tool get_weather
          chat {parts.MODEL}
        """
    )
