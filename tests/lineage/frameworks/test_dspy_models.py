"""DSPy: whoever answers its model calls, each is seen once; and its searches."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from tests.lineage.frameworks.dspy_offline import DSPY

pytest.importorskip(DSPY)
# It asks for prices where it is imported, unless its environment says that it is not to.
pytest.importorskip("litellm")

import dspy

from tests.lineage.frameworks import dspy_parts as parts
from tests.lineage.frameworks.drawing import draw, model_calls, tokens, tree
from tests.servers import Json, ProviderServer, Recorded, Sse, gemini_wire, openai_wire
from tests.telemetry import Telemetry

MODEL = parts.MODEL
FORWARD = pytest.mark.skipif(not hasattr(dspy.BaseLM, "forward"), reason="later ones have forward")
ENGINES = pytest.mark.skipif(not parts.NATIVE, reason="since DSPy 3.4")


@pytest.fixture
def weather(server: ProviderServer) -> ProviderServer:
    parts.weather(server)
    return server


def ask(lm: Any) -> Any:
    with dspy.context(lm=lm):
        return dspy.Predict("question -> answer")(question="What is it?")


async def aask(lm: Any) -> Any:
    with dspy.context(lm=lm):
        return await dspy.Predict("question -> answer").acall(question="What is it?")


def only(telemetry: Telemetry) -> dict[str, Any]:
    (call,) = model_calls(telemetry)
    return dict(call.attributes or {})


# --- dspy.LM ------------------------------------------------------------------------------------


@ENGINES
@pytest.mark.parametrize("engine", ["lm15", "litellm"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_each_engine(
    weather: ProviderServer, telemetry: Telemetry, engine: str, asynchronous: bool
) -> None:
    lm = parts.lm(weather, engine=engine)
    found = asyncio.run(aask(lm)) if asynchronous else ask(lm)
    assert found.answer == "Sunny."
    assert draw(telemetry, tokens) == f"chat {MODEL} 12+9"
    told = only(telemetry)
    assert told["gen_ai.provider.name"] == "openai" and told["server.address"] == "127.0.0.1"
    assert told["gen_ai.response.id"] == "chatcmpl-local-1"
    assert "What is it?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]


@pytest.mark.parametrize("kind", ["responses", "text"])
def test_other_apis(server: ProviderServer, telemetry: Telemetry, kind: str) -> None:
    if kind == "responses" and parts.VERSION < (3, 1):
        pytest.skip("since DSPy 3.0.4")
    lm = parts.lm(server, model_type=kind)
    assert lm("What is it?")
    (name,) = [call.name for call in model_calls(telemetry)]
    assert name == {"responses": f"chat {MODEL}", "text": f"text_completion {MODEL}"}[kind]


@ENGINES
@pytest.mark.parametrize(
    ("model", "path", "name"),
    [
        ("anthropic/claude-sonnet-4-5", "/v1", "chat claude-sonnet-4-5"),
        ("gemini/gemini-2.5-flash", "/v1beta", "chat gemini-2.5-flash"),
    ],
)
def test_other_providers(
    server: ProviderServer, telemetry: Telemetry, model: str, path: str, name: str
) -> None:
    server.route(":generateContent", Json(gemini_wire.answer(gemini_wire.candidate())))
    lm = dspy.LM(model, api_base=server.url + path, api_key="local", cache=False, engine="lm15")
    assert lm("What is it?")
    assert draw(telemetry).replace("generate_content", "chat") == name
    told = only(telemetry)
    assert told["gen_ai.usage.input_tokens"] > 0 and told["gen_ai.usage.output_tokens"] > 0


def test_what_the_cache_answers_is_no_call(weather: ProviderServer, telemetry: Telemetry) -> None:
    lm = parts.lm(weather, cache=True, temperature=0.5)
    assert ask(lm).answer == ask(lm).answer == "Sunny."
    assert len(weather.requests) == 1
    assert draw(telemetry) == f"chat {MODEL}"


def test_a_model_that_is_made_of_dspys_own(weather: ProviderServer, telemetry: Telemetry) -> None:
    class Counted(dspy.LM):
        times = 0

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            self.times += 1
            return super().__call__(*args, **kwargs)

    lm = Counted(f"openai/{MODEL}", api_base=f"{weather.url}/v1", api_key="local", temperature=0.6)
    assert ask(lm).answer == ask(lm).answer == "Sunny."
    assert (lm.times, len(weather.requests)) == (2, 1)
    assert draw(telemetry) == f"chat {MODEL}"


def test_several_answers(server: ProviderServer, telemetry: Telemetry) -> None:
    def reply(request: Recorded) -> Json:
        count = request.json().get("n") or 1
        return Json(openai_wire.chat_completion(*[openai_wire.chat_message("Yes")] * count))

    server.route("/chat/completions", reply)
    assert len(parts.lm(server)("What is it?", n=2, temperature=1.0)) == 2
    # DSPy's own client asks for each by itself.
    assert len(model_calls(telemetry)) == len(server.requests) == (2 if parts.NATIVE else 1)


@ENGINES
def test_a_refused_call_that_is_tried_again(
    weather: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dspy.clients.execution._delay", lambda *_: 0)
    weather.script(Json(openai_wire.error_body("slow down"), status=429))
    assert ask(parts.lm(weather, num_retries=2)).answer == "Sunny."
    assert draw(telemetry) == f"chat {MODEL} !429\nchat {MODEL}"


@ENGINES
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_that_breaks_off(
    server: ProviderServer, telemetry: Telemetry, asynchronous: bool
) -> None:
    message = openai_wire.chat_message(parts.fields(answer="Sunny."))
    server.route("/chat/completions", Sse(openai_wire.chat_chunks(message), drop_after=3))

    async def main() -> None:
        predict = dspy.Predict("question -> answer")
        streamed = dspy.streamify(predict, is_async_program=asynchronous)
        with dspy.context(lm=parts.lm(server)):
            async for _ in streamed(question="What is it?"):
                pass

    with pytest.raises(dspy.LMError):
        asyncio.run(main())
    drawn = draw(telemetry)
    assert drawn.startswith(f"chat {MODEL} !") and "\n" not in drawn, drawn


def test_requests_and_answers_are_the_same(weather: ProviderServer, telemetry: Telemetry) -> None:
    def run() -> tuple[Any, list[Any]]:
        weather.requests.clear()
        with dspy.context(lm=parts.lm(weather)):
            found = parts.agent()(question="What is it in Oslo?")
        return found.toDict(), [(each.path, each.body) for each in weather.requests]

    seen = run()
    telemetry.stop()
    assert run() == seen
    telemetry.start()


@ENGINES
def test_what_no_hook_sees(
    weather: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTELIER_DISABLED", "lm15")
    telemetry.stop()
    telemetry.start()
    assert ask(parts.lm(weather, temperature=0.2)).answer == "Sunny."
    assert draw(telemetry, tokens) == f"chat {MODEL} 12+9"
    told = only(telemetry)
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.temperature"] == 0.2
    assert told["gen_ai.response.id"] == "chatcmpl-local-1"
    assert "Sunny." in told["gen_ai.output.messages"]


@FORWARD
def test_sound_is_not_priced_as_text(telemetry: Telemetry) -> None:
    class Own(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            told = completion(parts.fields(answer="Sunny."))
            told.model = MODEL
            told.usage |= {
                "prompt_tokens_details": {"audio_tokens": 3},
                "completion_tokens_details": {"audio_tokens": 2},
            }
            return told

    ask(Own(f"openai/{MODEL}"))
    told = only(telemetry)
    assert told["gen_ai.usage.audio.input_tokens"] == 3
    assert told["gen_ai.usage.audio.output_tokens"] == 2
    # Nobody knows the price of it.
    assert "gen_ai.usage.cost" not in told


# --- models of the program's own ----------------------------------------------------------------


def test_a_model_for_tests(telemetry: Telemetry) -> None:
    from dspy.utils import DummyLM

    assert ask(DummyLM([{"answer": "Sunny."}])).answer == "Sunny."
    assert draw(telemetry) == "chat dummy"
    told = only(telemetry)
    assert "What is it?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]


def completion(text: str) -> Any:
    """What the client of the program's own gives: the shape of OpenAI's, its own class."""
    message = SimpleNamespace(content=text, tool_calls=None)
    choice = SimpleNamespace(message=message, finish_reason="stop", index=0)
    used = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    return SimpleNamespace(choices=[choice], usage=used, model="own-1", id="own-2")


@FORWARD
def test_a_model_of_the_programs_own(telemetry: Telemetry) -> None:
    class Own(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return completion(parts.fields(answer="Sunny."))

        async def aforward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return completion(parts.fields(answer="Sunny."))

    assert ask(Own("own", temperature=0.3)).answer == "Sunny."
    assert draw(telemetry, tokens) == "chat own 7+5"
    told = only(telemetry)
    assert told["gen_ai.request.temperature"] == 0.3
    assert "What is it?" in told["gen_ai.input.messages"]
    assert "Sunny." in told["gen_ai.output.messages"]
    telemetry.clear()
    assert asyncio.run(aask(Own("own"))).answer == "Sunny."
    assert draw(telemetry, tokens) == "chat own 7+5"


@FORWARD
def test_a_model_that_asks_as_dspys_own_does(weather: ProviderServer, telemetry: Telemetry) -> None:
    class Own(dspy.LM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return super().forward(prompt, messages, **kwargs)

    lm = Own(f"openai/{MODEL}", api_base=f"{weather.url}/v1", api_key="local", temperature=0.7)
    assert ask(lm).answer == ask(lm).answer == "Sunny."
    assert len(weather.requests) == 1
    assert draw(telemetry, tokens) == f"chat {MODEL} 12+9"


@FORWARD
def test_a_model_that_asks_by_an_sdk(weather: ProviderServer, telemetry: Telemetry) -> None:
    import openai

    client = openai.OpenAI(base_url=f"{weather.url}/v1", api_key="local")

    class Own(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return client.chat.completions.create(model=MODEL, messages=messages)

    assert ask(Own("own")).answer == "Sunny."
    assert draw(telemetry, tokens) == f"chat {MODEL} 12+9"


@FORWARD
def test_a_model_with_a_call_of_its_own(telemetry: Telemetry) -> None:
    class Own(dspy.BaseLM):
        def __init__(self) -> None:
            super().__init__("own")

        def __call__(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return [parts.fields(answer="Sunny.")]

    assert ask(Own()).answer == "Sunny."
    assert draw(telemetry) == "chat own"
    assert "Sunny." in only(telemetry)["gen_ai.output.messages"]


@FORWARD
def test_a_model_with_a_call_of_its_own_is_sent_as_it_is(telemetry: Telemetry) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")

    class Own(dspy.BaseLM):
        def __init__(self) -> None:
            super().__init__("own")

        def __call__(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return ["Sunny."]

    sent = cloudpickle.dumps(Own())
    # Whoever reads it need not have otelier.
    assert b"otelier.frameworks" not in sent
    telemetry.stop()
    assert cloudpickle.dumps(Own()) == sent
    telemetry.start()


@FORWARD
def test_the_classes_of_models_are_not_kept(telemetry: Telemetry) -> None:
    class Own(dspy.BaseLM):
        def __call__(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return super().__call__(prompt, messages, **kwargs)

    held = weakref.ref(Own)
    del Own
    gc.collect()
    assert held() is None


@ENGINES
def test_warnings_are_of_who_calls(telemetry: Telemetry) -> None:
    class Own(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return completion(parts.fields(answer="Sunny."))

        async def aforward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return completion(parts.fields(answer="Sunny."))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask(Own("own"))
        asyncio.run(aask(Own("own")))
    told = [each for each in caught if "dspy.ai" in str(each.message)]
    assert [each.filename for each in told] == [__file__] * 2
    assert {each.category for each in told} == {DeprecationWarning}


@FORWARD
def test_a_model_that_asks_another_one(weather: ProviderServer, telemetry: Telemetry) -> None:
    inner = parts.lm(weather)

    class Router(dspy.BaseLM):
        def __init__(self) -> None:
            super().__init__("router")

        def __call__(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return inner(prompt=prompt, messages=messages)

    assert ask(Router()).answer == "Sunny."
    assert draw(telemetry) == f"chat {MODEL}"


@pytest.mark.skipif(parts.VERSION < (3, 1), reason="answers say that they are cached since 3.1")
def test_a_model_of_the_programs_own_that_is_cached(telemetry: Telemetry) -> None:
    from dspy.clients.cache import request_cache

    times: list[int] = []

    @request_cache(cache_arg_name="request")
    def answered(request: Any) -> Any:
        times.append(1)
        return completion(parts.fields(answer="Sunny."))

    class Own(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            return answered(request={"model": "own", "messages": messages})

    ask(Own("own")), ask(Own("own"))
    assert times == [1]
    assert draw(telemetry) == "chat own"


@FORWARD
def test_a_model_that_fails(telemetry: Telemetry) -> None:
    class Own(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            raise ConnectionError("no line")

    with pytest.raises(ConnectionError):
        Own("own")("What is it?")
    assert draw(telemetry) == "chat own !ConnectionError"


@ENGINES
def test_an_engine_of_the_programs_own(telemetry: Telemetry) -> None:
    from dspy.lm15 import Message, Response, TextPart, Usage

    class Engine:
        def complete(self, request: Any) -> Any:
            return Response(
                id="own-2",
                model="own-1",
                message=Message.assistant([TextPart(parts.fields(answer="Sunny."))]),
                finish_reason="stop",
                usage=Usage(input_tokens=7, output_tokens=5, total_tokens=12),
            )

    lm = dspy.LM("openai/own", engine=Engine(), cache=False)
    assert ask(lm).answer == "Sunny."
    assert draw(telemetry, tokens) == "chat own 7+5"
    told = only(telemetry)
    assert told["gen_ai.response.id"] == "own-2"
    assert list(told["gen_ai.response.finish_reasons"]) == ["stop"]
    assert "What is it?" in told["gen_ai.input.messages"]


def test_nothing_is_marked_after_it(weather: ProviderServer, telemetry: Telemetry) -> None:
    from otelier import model_runs
    from otelier.frameworks.dspy import asking

    ask(parts.lm(weather))
    assert asking._here.get() is None
    assert model_runs.mark.get() is None


# --- searches -----------------------------------------------------------------------------------

CORPUS = ["Oslo is sunny.", "Rome is wet.", "Bonn is calm."]


def embed(texts: list[str]) -> Any:
    import numpy

    return numpy.array([[float("Oslo" in t), float("Rome" in t), 1.0] for t in texts])


def documents(telemetry: Telemetry) -> list[dict[str, Any]]:
    told = dict(telemetry.span("retrieval").attributes or {})
    found: list[dict[str, Any]] = json.loads(told["gen_ai.retrieval.documents"])
    return found


def embeddings(kind: str = "Embeddings", embedder: Any = embed) -> Any:
    pytest.importorskip("numpy")
    if not hasattr(dspy.retrievers, kind):
        pytest.skip(f"has no {kind}")
    return getattr(dspy.retrievers, kind)(embedder=embedder, corpus=CORPUS, k=2)


class Rag(dspy.Module):
    """A program that searches, and answers by what it has found."""

    def __init__(self, search: Any) -> None:
        super().__init__()
        self.search = search
        self.answer = dspy.ChainOfThought("context, question -> answer")

    def forward(self, question: str) -> Any:
        return self.answer(context=self.search(question).passages, question=question)


def test_search_and_answer(weather: ProviderServer, telemetry: Telemetry) -> None:
    def hosted(texts: list[str]) -> Any:
        import openai

        client = openai.OpenAI(base_url=f"{weather.url}/v1", api_key="local")
        client.embeddings.create(model="text-embedding-3-small", input=texts)
        return embed(texts)

    search = embeddings(embedder=dspy.Embedder(hosted, caching=False))
    telemetry.spans()
    telemetry.clear()
    with dspy.context(lm=parts.lm(weather)):
        assert Rag(search)(question="What is it in Oslo?").answer == "Sunny."
    # DSPy makes searches together, in a thread of its own.
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow Rag
          retrieval
            embeddings text-embedding-3-small
          chat {MODEL}
        """
    )
    told = dict(telemetry.span("retrieval").attributes or {})
    assert told["gen_ai.retrieval.query.text"] == "What is it in Oslo?"
    assert told["gen_ai.retrieval.top_k"] == 2
    first, _ = documents(telemetry)
    assert first["content"] == "Oslo is sunny."


def test_a_search_with_scores(telemetry: Telemetry) -> None:
    assert embeddings("EmbeddingsWithScores")("What is it in Oslo?").passages
    first, second = documents(telemetry)
    assert first["id"] == "0" and first["score"] > second["score"]


def test_a_retriever_of_the_settings(telemetry: Telemetry) -> None:
    def rm(query: str, k: int, **_: Any) -> list[Any]:
        return [dspy.Example(long_text=text, pid=n) for n, text in enumerate(CORPUS[:k])]

    with dspy.context(rm=rm):
        assert dspy.Retrieve(k=2)("Oslo").passages == CORPUS[:2]
    assert draw(telemetry) == "retrieval"
    assert [each["content"] for each in documents(telemetry)] == CORPUS[:2]


def test_colbert_by_itself_and_by_the_settings(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    def reply(request: Recorded) -> Json:
        found = [{"text": text, "pid": n, "score": 9.0 - n} for n, text in enumerate(CORPUS)]
        return Json({"topk": found})

    server.route("/search", reply)
    colbert = dspy.ColBERTv2(url=f"{server.url}/search")
    assert colbert("Oslo", k=2)[0]["long_text"] == CORPUS[0]
    first, _ = documents(telemetry)
    assert first == {"content": CORPUS[0], "id": "0", "score": 9.0}
    with dspy.context(rm=colbert):
        dspy.Retrieve(k=2)("Rome")
    assert draw(telemetry) == "retrieval\nretrieval"


def test_a_search_that_fails(telemetry: Telemetry) -> None:
    def rm(query: str, k: int, **_: Any) -> list[Any]:
        raise ConnectionError("no line")

    with dspy.context(rm=rm), pytest.raises(ConnectionError):
        dspy.Retrieve(k=2)("Oslo")
    assert draw(telemetry) == "retrieval !ConnectionError"
