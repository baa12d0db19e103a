"""What a step of an agent framework costs, in function calls of Python's: agents, tools, workflows.

``python -m benchmarks.frameworks NAME [NAME …]`` in an environment that has the framework, and, to
be compared with, another instrumentation of it (``PEERS``) and the official one of ``openai``. It
prints rows of a table in Markdown (``--no-content``: with no content recorded; ``--header``).

The small agent of ``tests/lineage/frameworks/small/NAME.py`` (a model, one tool, the model again)
is run in a process of its own for each variant, against a local provider in another process. All
threads are counted: the median of some runs after some to warm up. What a step costs is what the
spans above the model calls add to what is added for the model calls, divided by their number. The
native spans of a framework are there in every variant.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from types import FrameType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
SMALL: Final = "tests.lineage.frameworks.small"
# Other instrumentations of a framework, the official one first, by their distributions.
PEERS: Final = {
    "langchain": "opentelemetry-instrumentation-genai-langchain",
    "llama_index": "opentelemetry-instrumentation-genai-llama-index",
    "openai_agents": "opentelemetry-instrumentation-genai-openai-agents",
    "crewai": "opentelemetry-instrumentation-crewai",
    "haystack": "openinference-instrumentation-haystack",
    "smolagents": "opentelemetry-instrumentation-genai-smolagents",
    "dspy": "opentelemetry-instrumentation-genai-dspy",
    "agno": "opentelemetry-instrumentation-genai-agno",
}
# Of the calls of models that a framework makes.
MODELS: Final = "opentelemetry-instrumentation-genai-openai"
WARM, ROUNDS = 4, 7
_INFERENCE: Final = ("chat", "text_completion", "generate_content")

# --- function calls -------------------------------------------------------------------------

# Whose functions are an instrumentation's; what those call of the rest is part of it, and what
# calls back into the program is not.
_INSTRUMENTATION: Final = frozenset({"otelier", "opentelemetry", "openinference", "traceloop"})
_NEUTRAL: Final = sys.stdlib_module_names | {
    *("orjson", "wrapt", "pydantic", "pydantic_core", "genai_prices", "typing_extensions"),
}


class Profile:
    """Counts the function calls of all threads that begin after it, and of this one."""

    def __init__(self) -> None:
        self._counting = False
        # A list of all and of the instrumentation's for each thread: nothing is shared.
        self._counts: list[list[int]] = []
        self._own = threading.local()
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if not self._counting or event not in ("call", "c_call"):
            return
        held: list[int] | None = getattr(self._own, "held", None)
        if held is None:
            held = self._own.held = [0, 0]
            self._counts.append(held)
        held[0] += 1
        held[1] += _instrumenting(frame)

    def count(self, run: Callable[[], object]) -> tuple[int, int]:
        """All function calls of a run, and the instrumentation's."""
        for held in self._counts:
            held[:] = [0, 0]
        gc.collect()
        gc.disable()
        try:
            self._counting = True
            run()
        finally:
            self._counting = False
            gc.enable()
        return sum(each[0] for each in self._counts), sum(each[1] for each in self._counts)


def _instrumenting(frame: FrameType | None) -> bool:
    while frame is not None:
        name = frame.f_globals.get("__name__")
        root = name.partition(".")[0] if isinstance(name, str) else ""
        if root in _INSTRUMENTATION:
            return True
        if root not in _NEUTRAL:
            return False
        frame = frame.f_back
    return False


# --- one variant, in a process of its own ---------------------------------------------------


@dataclass
class Counted:
    """What one run of the agent costs."""

    calls: int
    # Of them, the instrumentation's own.
    inside: int
    # Spans, and those of them that are of model calls.
    spans: int
    models: int

    @property
    def steps(self) -> int:
        """Spans above the model calls."""
        return self.spans - self.models


def measure(variant: str, name: str, url: str) -> Counted:
    """Count runs of the small agent: bare, or with what the variant says."""
    profile = Profile()
    ended = _provide()
    if variant in ("otelier", "otelier models"):
        import otelier

        otelier.instrument(disabled=[name] if variant == "otelier models" else [])
    run = importlib.import_module(f"{SMALL}.{name}").prepare(url)
    if variant in ("peer", "peer models"):
        # What a small agent does to its framework is done by now.
        _instrument([MODELS, PEERS[name]] if variant == "peer" else [MODELS])
    for _ in range(WARM):
        run()
    _wait_for_prices()
    run()
    ended.clear()
    run()
    spans, models = len(ended), sum(map(_of_model, ended))
    counts = [profile.count(run) for _ in range(ROUNDS)]
    _complain()
    return Counted(
        int(statistics.median(each[0] for each in counts)),
        int(statistics.median(each[1] for each in counts)),
        spans,
        models,
    )


def _provide() -> list[Any]:
    """Providers for all, whose spans are kept only here."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    ended: list[Any] = []

    class Kept(SpanProcessor):
        def on_end(self, span: Any) -> None:
            ended.append(span)

    provider = TracerProvider()
    provider.add_span_processor(Kept())
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
    return ended


def _instrument(distributions: list[str]) -> None:
    for point in entry_points(group="opentelemetry_instrumentor"):
        if point.dist is not None and point.dist.name in distributions:
            point.load()().instrument(skip_dep_check=True)


def _wait_for_prices() -> None:
    runtime = sys.modules.get("otelier.runtime")
    run = runtime.current() if runtime is not None else None
    if run is not None and run.prices is not None:
        run.prices.warm()
        run.prices.wait(10)


def _complain() -> None:
    guard = sys.modules.get("otelier.guard")
    if guard is not None and guard.failures():
        raise RuntimeError(f"otelier failed: {guard.failures()}")


def _of_model(span: Any) -> bool:
    held = span.attributes or {}
    operation = held.get("gen_ai.operation.name")
    return operation in _INFERENCE or held.get("openinference.span.kind") == "LLM"


# --- the provider, in another process -------------------------------------------------------


# Of the answers: each has an id of its own.
_number: Final = itertools.count()


def answer(server: Any) -> None:
    """Have a server play the provider: what has a tool's result is answered, else asked."""
    for suffix, reply in (
        ("/chat/completions", _chat),
        ("/responses", _responses),
        ("enerateContent", _gemini),
    ):
        server.route(suffix, reply)


def serve() -> None:
    """Play the provider until nobody listens."""
    from tests.servers import ProviderServer

    with ProviderServer() as server:
        answer(server)
        print(server.url, flush=True)
        sys.stdin.read()


def _chat(request: Any) -> Any:
    from tests.servers import Json, Sse, openai_wire

    body = request.json()
    named = f"chatcmpl-{next(_number)}"
    if "[[ ## " in str(body["messages"][0]):
        message = openai_wire.chat_message(_in_words(body))
    elif any(message["role"] == "tool" for message in body["messages"]):
        message = openai_wire.chat_message("Sunny.")
    else:
        call = openai_wire.tool_call(*_call(body))
        message = openai_wire.chat_message(tool_calls=[call])
    if body.get("stream"):
        return Sse(openai_wire.chat_chunks(message, include_usage=True, id=named))
    return Json(openai_wire.chat_completion(message, id=named))


def _in_words(body: Any) -> str:
    """What DSPy's agents are answered: the tool first, then that it is done, then the answer."""
    fields = {"reasoning": "It is.", "answer": "Sunny."}
    if "next_tool_name" in str(body["messages"][0]):
        done = "observation_0" in str(body["messages"])
        name, arguments = ("finish", "{}") if done else ("get_weather", '{"city": "Oslo"}')
        fields = {"next_thought": "Hm.", "next_tool_name": name, "next_tool_args": arguments}
    return "\n".join(f"[[ ## {key} ## ]]\n{text}\n" for key, text in fields.items())


def _responses(request: Any) -> Any:
    from tests.servers import Json, Sse, openai_wire

    body = request.json()
    asked = body["input"] if isinstance(body["input"], list) else []
    named = f"resp_{next(_number)}"
    if any(item.get("type") == "function_call_output" for item in asked):
        item = openai_wire.message_item("Sunny.")
    else:
        item = openai_wire.function_call_item(*_call(body))
    if body.get("stream"):
        return Sse(
            openai_wire.response_events(openai_wire.response_object(item, id=named)),
            named=True,
            done=None,
        )
    return Json(openai_wire.response_object(item, id=named))


def _gemini(request: Any) -> Any:
    from tests.servers import Json, Sse, gemini_wire

    told = [part for each in request.json()["contents"] for part in each["parts"]]
    done = any("functionResponse" in part for part in told)
    said = gemini_wire.text("Sunny.") if done else gemini_wire.call("get_weather", {"city": "Oslo"})
    named = f"response-{next(_number)}"
    answer = gemini_wire.answer(gemini_wire.candidate(said), responseId=named)
    if "streamGenerateContent" in request.route:
        return Sse([answer], done=None)
    return Json(answer)


def _call(body: Any) -> tuple[str, dict[str, str]]:
    """A call of the first tool that is offered, with a text for all that it wants."""
    offered = (body.get("tools") or [{}])[0]
    offered = offered.get("function") or offered
    wanted = (offered.get("parameters") or {}).get("required") or ["city"]
    return offered.get("name", "get_weather"), dict.fromkeys(wanted, "Oslo")


@contextmanager
def _provider() -> Iterator[str]:
    command = [sys.executable, "-m", __spec__.name, "--serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


# --- the table ------------------------------------------------------------------------------

HEADER: Final = (
    "| framework | content | spans: steps + models | added a run: all, of it models "
    "| **a step** | of it in otelier | beside it | its spans | added a run: all, of it models "
    "| **its step** | of it in itself |\n"
    f"|---|---|{'---|' * 9}"
)


def counted(variant: str, name: str, url: str, content: bool) -> Counted:
    """Count a variant in a process of its own."""
    from tests.framework_rows import ROWS

    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "OTELIER_"))
    }
    for row in ROWS:
        if row.name == name:
            environment |= dict(row.environment)
    environment |= {
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": (
            "SPAN_ONLY" if content else "NO_CONTENT"
        ),
        "TRACELOOP_TRACE_CONTENT": str(content).lower(),
    }
    command = [sys.executable, "-m", __spec__.name, "--count", variant, name, url]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{variant} of {name}: {done.stderr[-4000:]}")
    return Counted(**json.loads(done.stdout.splitlines()[-1]))


def row(name: str, url: str, content: bool) -> str:
    """One line of the table."""
    bare, models, ours = (
        counted(variant, name, url, content) for variant in ("bare", "otelier models", "otelier")
    )
    cells = [
        name,
        "on" if content else "off",
        f"{ours.steps} + {ours.models}" + (f" ({bare.spans} native)" if bare.spans else ""),
        f"{ours.calls - bare.calls:,}, {models.calls - bare.calls:,}",
        _each(ours.calls - models.calls, ours.steps),
        _each(ours.inside - models.inside, ours.steps),
    ]
    peer = PEERS.get(name)
    if peer is not None and _installed(peer) and _installed(MODELS):
        theirs, without = (counted(each, name, url, content) for each in ("peer", "peer models"))
        cells += [
            f"{peer.removeprefix('opentelemetry-instrumentation-')} {version(peer)}",
            f"{theirs.steps} + {theirs.models}",
            f"{theirs.calls - bare.calls:,}, {without.calls - bare.calls:,}",
            _each(theirs.calls - without.calls, theirs.steps),
            _each(theirs.inside - without.inside, theirs.steps),
        ]
    else:
        cells += ["–"] * 5
    return f"| {' | '.join(cells)} |"


def _each(calls: int, steps: int) -> str:
    return f"{calls / steps:,.0f}" if steps > 0 else f"{calls:,} in all"


def _installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def main(arguments: list[str]) -> None:
    """Print the rows that are asked for; or be one of the processes that it takes."""
    if "--serve" in arguments:
        serve()
        return
    if arguments[:1] == ["--count"]:
        print("\n" + json.dumps(asdict(measure(*arguments[1:]))))
        # Whatever threads a framework leaves.
        sys.stdout.flush()
        os._exit(0)
    if "--header" in arguments:
        print(HEADER)
    names = [each for each in arguments if not each.startswith("-")]
    with _provider() as url:
        for name in names:
            print(row(name, url, "--no-content" not in arguments), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
