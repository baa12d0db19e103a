"""The plugin in real runs of pytest: the fixture, the options, xdist, and who does not ask."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ProviderServer
from tests.testing.sessions import environment, run

XDIST = [pytest.param((), id="alone"), pytest.param(("-n", "2"), id="xdist")]
ALONE = ("-p", "no:xdist")

PROGRAM = """
import openai, otelier

client = openai.OpenAI(max_retries=0)

def ask(text="Hi", model="gpt-4o-mini"):
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}]
    )

@otelier.tool
def weather(city):
    return f"sunny in {city}"

@otelier.agent
def guide(city):
    weather(city)
    ask(f"and in {city}?")
"""

SUITE = '''
import pytest
from program import ask, guide

@pytest.fixture(scope="session")
def warm():
    ask("warm up")

def test_guide(traces):
    guide("Oslo")
    traces.assert_tree("""
        invoke_agent guide
          execute_tool weather
          chat gpt-4o-mini
    """)

def test_own_calls_alone(traces, warm):
    ask("mine")
    assert [call.input_text for call in traces.calls] == ["mine"]

def test_without_fixture():
    ask()

def test_none():
    pass
'''
# Of 12 tokens in and 9 out.
ONE, TWO, FOUR = "$0.0000072", "$0.0000144", "$0.0000288"


@pytest.mark.parametrize("workers", XDIST)
def test_table(tmp_path: Path, server: ProviderServer, workers: tuple[str, ...]) -> None:
    files = {"program.py": PROGRAM, "test_it.py": SUITE}
    options = ("--otelier", "--otelier-max-cost", "0.00002", "-q")
    done = run(tmp_path, *options, *workers, files=files, server=server)
    head, *tests, whole, verdict = done.summary()
    assert head.split() == ["calls", "in", "out", "cost"]
    assert sorted(line.split() for line in tests) == [
        ["1", "12", "9", ONE, "test_it.py::test_guide"],
        ["1", "12", "9", ONE, "test_it.py::test_without_fixture"],
        ["2", "24", "18", TWO, "test_it.py::test_own_calls_alone"],
    ]
    assert whole.split() == ["4", "48", "36", FOUR, "in", "all"]
    assert verdict == f"the known cost of {FOUR} is above --otelier-max-cost $0.00002"
    assert "4 passed" in done.out and done.code == 1


def test_within_the_limit(tmp_path: Path, server: ProviderServer) -> None:
    """The limit alone prints no table; a price that is not known is said, and fails nothing."""
    text = "from program import ask\ndef test_it():\n    ask()\n    ask(model='secret-1')\n"
    files = {"program.py": PROGRAM, "test_it.py": text}
    done = run(tmp_path, "--otelier-max-cost", "0.5", "-q", *ALONE, files=files, server=server)
    _, whole, unknown, verdict = done.summary()
    assert whole.split() == ["2", "24", "18", "≥", ONE, "in", "all"]
    assert unknown.startswith("1 call without a known price (secret-1")
    assert verdict == "whether the cost is within --otelier-max-cost $0.50 is not known"
    assert done.code == 0


def test_wrong_limit(tmp_path: Path) -> None:
    done = run(tmp_path, "--otelier-max-cost", "much", files={})
    assert "--otelier-max-cost: not an amount of US dollars: 'much'" in done.out
    assert done.code == pytest.ExitCode.USAGE_ERROR


def test_failure_shows_the_trace(tmp_path: Path, server: ProviderServer) -> None:
    text = """
from program import ask, guide

def test_it(traces):
    guide("Oslo")
    traces.assert_called("weather", city="Bergen")

def test_passes(traces):
    ask("not to be shown")
"""
    done = run(tmp_path, files={"program.py": PROGRAM, "test_it.py": text}, server=server)
    assert "E       AssertionError: weather(city='Bergen') was not executed" in done.out
    assert "E         weather(city='Oslo')" in done.out
    # The frame of the test, and none of ours.
    assert "recorded.py" not in done.out
    assert re.search(r"-+ otelier -+\ntrace \w+ · .*\nagent guide · ", done.out)
    assert "user: and in Oslo?" in done.out and "not to be shown" not in done.out
    assert done.code == 1


def test_a_program_with_telemetry_of_its_own(tmp_path: Path, server: ProviderServer) -> None:
    """What it exports in tests without the fixture, it exports with ``--otelier``, too."""
    text = """
import otelier
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from program import ask

own = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(own))

def test_before():
    ask()

def test_starts():
    trace.set_tracer_provider(provider)
    otelier.instrument(tracer_provider=provider)
    ask()
    assert [span.name for span in own.get_finished_spans()] == ["chat gpt-4o-mini"]

def test_fixture(traces):
    ask()
    assert len(own.get_finished_spans()) == 1 == len(traces.calls)

def test_afterwards():
    ask()
    assert len(own.get_finished_spans()) == 2
    assert own.get_finished_spans()[1].attributes["gen_ai.input.messages"]

def test_stops():
    otelier.uninstrument()
    ask()
    assert len(own.get_finished_spans()) == 2

def test_counted_again():
    ask()
"""
    files = {"program.py": PROGRAM, "test_it.py": text}
    done = run(tmp_path, "--otelier", "-q", *ALONE, files=files, server=server)
    assert done.code == 0, done.out
    counted = [line.split()[-1].removeprefix("test_it.py::") for line in done.summary()[1:-1]]
    assert counted == [
        *("test_before", "test_starts", "test_fixture", "test_afterwards", "test_counted_again")
    ]


def test_calls_that_end_late(tmp_path: Path, server: ProviderServer) -> None:
    """They are in the sums, whichever test runs when they end."""
    text = """
from program import client

later = []

def test_begins():
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    later.append(stream)

def test_ends():
    for _ in later.pop():
        pass
"""
    files = {"program.py": PROGRAM, "test_it.py": text}
    done = run(tmp_path, "--otelier", "-q", *ALONE, files=files, server=server)
    assert done.code == 0, done.out
    _, late, whole, *_ = done.summary()
    assert late.split()[0] == "1" and late.endswith("(ended after their tests)")
    assert whole.split()[0] == "1"


def test_a_worker_that_dies(tmp_path: Path, server: ProviderServer) -> None:
    text = """
import os
from program import ask

def test_lives():
    ask()

def test_dies():
    ask()
    os._exit(1)
"""
    files = {"program.py": PROGRAM, "test_it.py": text}
    done = run(tmp_path, "--otelier", "-q", "-n", "1", files=files, server=server)
    assert "a worker was lost, and what its last test called" in done.summary(), done.out
    assert any(line.endswith("test_it.py::test_lives") for line in done.summary())


@pytest.mark.parametrize("way", ["instrument", "opentelemetry-instrument"])
def test_otelier_runs_before_pytest(tmp_path: Path, server: ProviderServer, way: str) -> None:
    """What the test calls does not go to the exporter; pytest says nothing of it."""
    started = """
import sys, otelier, pytest
otelier.instrument()
sys.exit(pytest.main(sys.argv[1:]))
"""
    text = """
from program import guide, ask

def test_it(traces):
    guide("Oslo")
    assert len(traces.calls) == 1

def test_exported():
    ask("to be exported")
"""
    files = {"program.py": PROGRAM, "test_it.py": text, "started.py": started}
    if way == "instrument":
        before: tuple[str, ...] = ("started.py",)
    else:
        launcher = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
        before = ("-c", launcher, str(Path(sys.executable).with_name("pytest")))
    done = run(
        tmp_path,
        "test_it.py",
        files=files,
        server=server,
        before=before,
        OTEL_TRACES_EXPORTER="otelier_file",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OTELIER_TRACE_FILE=str(tmp_path / "exported.jsonl"),
    )
    assert done.code == 0 and "warning" not in done.out, done.out
    exported = (tmp_path / "exported.jsonl").read_text()
    assert "to be exported" in exported and "Oslo" not in exported


def test_async_tests(tmp_path: Path, server: ProviderServer) -> None:
    text = """
import openai, pytest

@pytest.mark.anyio
async def test_it(traces):
    async with openai.AsyncOpenAI(max_retries=0) as client:
        await client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}]
        )
    traces.assert_tree("chat gpt-4o-mini")

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture(scope="module")
def otelier_options():
    return {"capture": False}

def test_options(traces):
    from program import ask
    ask()
    assert traces.calls[0].input == []
"""
    files = {"program.py": PROGRAM, "test_it.py": text}
    done = run(tmp_path, "-q", files=files, server=server)
    assert done.code == 0 and "2 passed" in done.out, done.out


def test_unittest(tmp_path: Path, server: ProviderServer) -> None:
    text = '''
import unittest
from otelier.testing import traces
from program import guide

class Guide(unittest.TestCase):
    def setUp(self):
        self.traces = self.enterContext(traces())

    def test_tree(self):
        guide("Oslo")
        self.traces.assert_tree("""
            invoke_agent guide
              execute_tool weather
              chat gpt-4o-mini
        """)

    def test_alone(self):
        guide("Oslo")
        self.assertEqual(len(self.traces.calls), 1)
'''
    files = {"program.py": PROGRAM, "test_it.py": text}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "test_it"],
        env=environment(tmp_path, server),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "Ran 2 tests" in done.stderr, done.stderr


# --- who does not ask ----------------------------------------------------------------------------


def test_the_plugin_imports_next_to_nothing() -> None:
    code = """
import json, sys, pytest
before = set(sys.modules)
import otelier.testing.plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert json.loads(done.stdout) == [
        *("otelier", "otelier.testing", "otelier.testing.plugin", "otelier.version")
    ]


def test_a_suite_that_does_not_ask(tmp_path: Path) -> None:
    text = """
import sys

def test_passes():
    print("said")
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
    ours = {name for name in sys.modules if name.split(".")[0] == "otelier"}
    assert ours <= {"otelier", "otelier.testing", "otelier.testing.plugin", "otelier.version"}

def test_fails():
    assert 1 == 2
"""
    found = []
    for words in ((), ("-p", "no:otelier")):
        done = run(tmp_path, "-v", "-rA", *ALONE, *words, files={"test_it.py": text})
        out = re.sub(r"(?m)^plugins: .*|in [\d.]+s", "", done.out)
        found.append((done.code, re.sub("=+", "=", out)))
    assert found[0] == found[1]
    assert "1 failed, 1 passed" in found[0][1]
