"""The examples do what their README says, in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import anthropic
import openai
import pytest
from genai_prices import Usage, calc_price

from otelier.store.opening import opened
from otelier.store.spans import StoredSpan

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """This interpreter with few variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    path = str(EXAMPLES.parent / "src")
    return subprocess.run(
        [sys.executable, *words],
        env={**kept, "PYTHONPATH": path},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The demo's folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(str(EXAMPLES / "demo.py"), "--messages", cwd=folder)


TREE = """\
workflow answer_question
├─ step classify
│  └─ chat gpt-6-luna → gpt-6-luna-2026-09-17
├─ retrieval handbook
│  └─ embeddings text-embedding-3-small
├─ step rerank
├─ agent researcher
│  ├─ chat gpt-6.1-sol → gpt-6.1-sol-2026-09-17
│  ├─ tool leave_balance
│  ├─ tool days_until
│  └─ chat gpt-6.1-sol → gpt-6.1-sol-2026-09-17
└─ step write
   ├─ chat claude-sonnet-7
   └─ chat claude-sonnet-5-5
"""


def test_the_demo_shows_the_pipeline_as_a_tree(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    done = demo[1]
    assert done.returncode == 0, done.stderr
    spans = [line for line in done.stderr.splitlines() if re.search(r" · [\d.]+ m?s", line)]
    shown = [line.partition(" · ")[0] for line in spans if not line.startswith("total")]
    assert "\n".join(shown) + "\n" == TREE
    assert "conversation conv-handbook-1 · session session-42 · user ada · tags demo" in done.stderr
    assert "6 model calls · 2 tool calls · 1 error" in done.stderr
    assert "calls leave_balance, days_until" in done.stderr
    assert "✗ anthropic.NotFoundError" in done.stderr
    assert re.search(r"in [\d,]+ \(cached [\d,]+\) out [\d,]+ \(reasoning \d+\) · \$0", done.stderr)
    assert "without a known price" not in done.stderr
    assert "user: How many days of leave can I carry over" in done.stderr


def test_the_demos_own_output_is_the_answer_and_what_to_do_next(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out = demo[1].stdout
    assert "may carry five of them into the next one" in out
    assert re.search(r"otelier trace --store otelier-demo\.db --messages", out)
    assert re.search(r"otelier costs --store otelier-demo\.db", out)
    assert re.search(r"otelier ui --store otelier-demo\.db$", out.rstrip())
    assert not re.search(r"^trace ", out, re.MULTILINE)


def spans_of(folder: Path) -> list[StoredSpan]:
    engine = opened(str(folder / "otelier-demo.db"))
    try:
        (row,) = engine.ask("SELECT DISTINCT trace_id FROM otelier.spans").rows
        return engine.trace(row[0])
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("with all messages", "retrieval handbook"),
        ("its calls as a table", "gpt-6-luna"),
        ("what they cost, by model", "claude-sonnet-5-5"),
    ],
)
def test_the_commands_that_the_demo_prints_work_as_printed(
    what: str, said: str, demo: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    folder, done = demo
    shown = re.search(rf"{what}: +(.+)", done.stdout)
    assert shown is not None
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    path = str(EXAMPLES.parent / "src")
    viewed = subprocess.run(
        shown[1],
        shell=True,
        env={**kept, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert viewed.returncode == 0, viewed.stderr
    assert said in viewed.stdout
    assert done.stderr.splitlines()[-1].startswith("otelier run: 1 trace, ")


def test_the_demos_store_has_one_trace_with_every_call_priced(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    spans = spans_of(demo[0])
    assert len({span.trace_id for span in spans}) == 1 and len(spans) == 14
    calls = [
        span
        for span in spans
        if span.attributes.get("gen_ai.operation.name") in ("chat", "embeddings")
    ]
    assert len(calls) == 6
    for span in calls:
        assert (span.status == "ERROR") == ("gen_ai.usage.cost" not in span.attributes), span.name
        assert span.attributes["session.id"] == "session-42"
        assert span.attributes["otelier.metadata.tier"] == "gold"
        assert span.attributes["otelier.provider.request_id"].startswith("req_")
    assert {span.attributes["gen_ai.provider.name"] for span in calls} == {"openai", "anthropic"}
    streamed = next(span for span in calls if "claude-sonnet-5-5" in span.name)
    assert 0 < streamed.attributes["gen_ai.response.time_to_first_chunk"] < 60


def test_the_pipeline_runs_without_otelier_being_switched_on(tmp_path: Path) -> None:
    done = run(str(EXAMPLES / "rag_pipeline.py"), cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "may carry five of them" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_pipelines_models_have_prices() -> None:
    pipeline = example("rag_pipeline")
    usage = Usage(input_tokens=1000, output_tokens=100)
    for model in (pipeline.CLASSIFIER, pipeline.EMBEDDER, pipeline.RESEARCHER):
        assert calc_price(usage, model, provider_id="openai").total_price > 0
    for model in pipeline.WRITERS[1:]:
        assert calc_price(usage, model, provider_id="anthropic").total_price > 0
    with pytest.raises(LookupError):
        calc_price(usage, pipeline.WRITERS[0], provider_id="anthropic")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with example("local_provider").serve() as running:
        yield running


@pytest.fixture
def chat(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0) as client:
        yield client


def test_the_stand_in_streams_chat_with_tools_and_usage(chat: openai.OpenAI) -> None:
    tools = example("rag_pipeline").TOOLS
    chunks = list(
        chat.chat.completions.create(
            model="gpt-6.1-sol",
            messages=[{"role": "user", "content": "?"}],
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    calls = [
        call.function.name
        for chunk in chunks
        for choice in chunk.choices
        for call in choice.delta.tool_calls or ()
        if call.function
    ]
    assert calls == ["leave_balance", "days_until"]
    usage = chunks[-1].usage
    assert usage is not None and usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 128


def test_the_stand_in_speaks_responses_streamed_and_not(chat: openai.OpenAI) -> None:
    whole = chat.responses.create(model="gpt-6.1-sol", input="?")
    assert whole.output_text.startswith("Up to five") and whole.usage is not None
    with chat.responses.stream(model="gpt-6.1-sol", input="?") as stream:
        assert stream.get_final_response().output_text == whole.output_text


def test_the_stand_in_embeds_alike_in_base64_and_in_numbers(chat: openai.OpenAI) -> None:
    packed = chat.embeddings.create(model="text-embedding-3-small", input=["days of leave"])
    plain = chat.embeddings.create(
        model="text-embedding-3-small", input="days of leave", encoding_format="float"
    )
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_the_stand_in_knows_its_models_only(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        chat.chat.completions.create(model="gpt-99", messages=[])
    assert caught.value.code == "model_not_found" and caught.value.request_id is not None


def test_the_stand_in_speaks_messages_streamed_and_not(url: str) -> None:
    with anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
        whole = client.messages.create(
            model="claude-haiku-5-5", max_tokens=10, messages=[{"role": "user", "content": "?"}]
        )
        assert [block.type for block in whole.content] == ["text"]
        with client.messages.stream(
            model="claude-sonnet-5-5",
            max_tokens=2000,
            thinking={"type": "adaptive"},
            messages=[{"role": "user", "content": "?"}],
        ) as stream:
            final = stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert final.stop_reason == "end_turn" and final.usage.output_tokens > 1
