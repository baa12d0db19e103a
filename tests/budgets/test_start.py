"""What instrumenting imports, calls and compiles. Counted in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import counting, starting

# What calls and steps need, and nobody else: with an SDK, or with a name of otelier's.
ROOMS = (
    "billing", "blobs", "call", "content", "conversation", "cost", "declared", "documents",
    "errors", "evaluation", "events", "finishing", "handle", "identity", "metrics", "outcome",
    "pipeline", "prices", "prompts", "protocols", "ready", "redaction", "sdks", "frameworks",
    "sessions", "spelling", "steady", "their_content", "truncation", "usage", "values", "wire",
)  # fmt: skip


def rooms(modules: list[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("otelier.")}


def test_program_without_genai_sdk() -> None:
    """Over the OpenTelemetry SDK alone, which ``opentelemetry-instrument`` has imported anyway."""
    found = counting.start(counting.INSTRUMENT)
    assert not found.heavy
    assert not rooms(found.modules).intersection(ROOMS)
    assert len(found.modules) <= 36, found.modules


def test_calls_of_a_start() -> None:
    """Function calls; before anything was put off they were 150,000."""
    assert counting.start_calls(counting.INSTRUMENT) <= 18_000


def test_program_with_sdks() -> None:
    bare = set(counting.start(counting.USE).modules)
    found = set(counting.start(counting.INSTRUMENT + counting.USE).modules)
    more = found - bare
    assert len(more) <= 126, sorted(more)
    assert not any(name.split(".")[0] in ("genai_prices", "grpc", "fsspec") for name in more)


def test_calls_of_a_start_with_sdks() -> None:
    before = counting.SDK + counting.USE
    assert counting.start_calls(counting.INSTRUMENT, before) <= 55_000


def test_importing_otelier_imports_no_sdk() -> None:
    found = counting.start("import otelier; otelier.instrument, otelier.session", before="")
    # The processor and the file exporter are of the OpenTelemetry SDK: only used with one.
    assert not found.heavy


_CALLS = """
import json, sys, time
{sdk}
import otelier
otelier.instrument(configure_sdk=False, tracer_provider=trace.get_tracer_provider())
from opentelemetry.trace import get_current_span
{prepared}
known = set(sys.modules)
{called}
print(json.dumps(sorted(name for name in set(sys.modules) - known if name.startswith("otelier"))))
"""
_FAILING = """
def refused(_):
    return httpx.Response(500, json={})
failing = openai.OpenAI(
    api_key="k", max_retries=0, http_client=httpx.Client(transport=httpx.MockTransport(refused)))
"""
_FAIL = """
asked = [{"role": "user", "content": "my password is hunter2"}]
try:
    failing.chat.completions.create(model="gpt-4o-mini", messages=asked)
except openai.APIError:
    pass
"""
_STEPS = """
import gc
def left():
    yield 1
def steps():
    with otelier.workflow("w"), otelier.session(session_id="s"), otelier.tool("t") as tool:
        tool.set_result("password: hunter2")
    try:
        with otelier.agent("a"):
            raise ValueError("sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT")
    except ValueError:
        pass
    stream = otelier.step(left)()
    next(stream)
    del stream
    gc.collect()
"""


@pytest.mark.parametrize(
    ("prepared", "called"),
    [
        (starting.IMPORT + starting.CLIENTS + _FAILING, starting.CALLS + _FAIL),
        (_STEPS + "otelier.workflow, otelier.session, otelier.tool", "steps()"),
    ],
    ids=["calls", "steps"],
)
def test_ends_import_nothing(prepared: str, called: str) -> None:
    """They may come where an import finds half of a module, or a lock that is never let go."""
    code = _CALLS.format(sdk=counting.SDK, prepared=prepared, called=called)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
