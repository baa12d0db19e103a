"""``python -m benchmarks.starting``: what the start of a program costs, and the first price.

Programs in fresh processes, with otelier and without, by turns; the least of each figure. In an
environment of its own in ``.cache`` that has every SDK, or in this one (``--here``). Spans leave by
OTLP for a server in this process. ``--write`` puts the tables into ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks import counting, environments, instructions
from benchmarks.environments import CACHE, ROOT
from benchmarks.written import README, publish, table

MARK: Final = "the start's numbers"
# Every SDK of ``otelier.hooks.table``, and the one that brings ``botocore``.
SDKS: Final = (
    "aiobotocore", "anthropic", "boto3", "botocore", "cerebras-cloud-sdk", "cohere", "fireworks-ai",
    "google-genai", "groq", "huggingface-hub", "litellm", "lm15", "mistralai", "ollama", "openai",
    "together", "writer-sdk", "xai-sdk",
)  # fmt: skip

Figures = dict[str, float]

# --- programs -------------------------------------------------------------------------------

_CONFIGURE: Final = """
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
_OTelSDKConfigurator().configure()
"""
_INSTRUMENT: Final = """
import otelier
otelier.instrument()
"""
IMPORT: Final = """
import openai, anthropic
"""
# Answers from within: no socket, and the SDKs' own client and parsing.
CLIENTS: Final = """
try:
    import httpx2 as httpx
except ImportError:
    import httpx
def answering(body):
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
chat = openai.OpenAI(api_key="k", http_client=answering({
    "id": "c-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Good morning."},
                 "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}))
messages = anthropic.Anthropic(api_key="k", http_client=answering({
    "id": "m-1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "Good morning."}], "stop_reason": "end_turn",
    "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 3}}))
"""
CALLS: Final = """
asked = [{"role": "user", "content": "Say good morning."}]
before = time.process_time()
chat.chat.completions.create(model="gpt-4o-mini", messages=asked)
messages.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=asked)
calls = time.process_time() - before
"""
_TOLD: Final = """
from pathlib import Path
spent, now = time.process_time(), time.monotonic()
known = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print("\\n" + json.dumps({
    "wall": (now - float(os.environ["BEGUN"])) * 1e3, "cpu": spent * 1e3, "modules": modules,
    "peak": int(known["VmHWM"].split()[0]) / 1024, "held": int(known["VmRSS"].split()[0]) / 1024,
    "calls": calls * 1e3}))
"""
_FRAME: Final = "import json, os, sys, time\ncalls = 0.0\n{}modules = len(sys.modules)\n{}"
# What a program does, and what is made of it.
WORKS: Final = {
    "no SDK used": "",
    "`openai` and `anthropic` imported": IMPORT,
    "… and one call of each": IMPORT + CLIENTS + CALLS,
}
IN_CODE, LAUNCHED = "in code", "`opentelemetry-instrument`"


def measure(python: str, launcher: str | None, code: str, environment: dict[str, str]) -> Figures:
    """One run of a program."""
    command = [*filter(None, [launcher]), python, "-c", _FRAME.format(code, _TOLD)]
    begun = str(time.monotonic())
    done = subprocess.run(
        command, env={**environment, "BEGUN": begun}, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


class _Taking(BaseHTTPRequestHandler):
    """Takes what is sent."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _configurator(folder: Path) -> None:
    """What sets the SDK up under ``opentelemetry-instrument``, with otelier and without."""
    told = folder / "benchmark-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: benchmark\nVersion: 1\n")
    (told / "entry_points.txt").write_text(
        "[opentelemetry_configurator]\n"
        "benchmark = opentelemetry.sdk._configuration:_OTelSDKConfigurator\n"
    )


def started(python: str, rounds: int) -> dict[tuple[str, str], list[Figures]]:
    """For each work and way: the least figures without otelier, and with it."""
    launcher = str(Path(python).with_name("opentelemetry-instrument"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        _configurator(Path(name))
        environment = counting.clean(
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_LOGS_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
        )
        launched = {**environment, "PYTHONPATH": name}
        without = {**launched, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "otelier"}
        runs: dict[tuple[str, str], list[list[Figures]]] = {}
        # The first round leaves bytecode and is not counted.
        for number in range(rounds + 1):
            for work, code in WORKS.items():
                pairs: dict[str, tuple[Figures, Figures]] = {
                    IN_CODE: (
                        measure(python, None, _CONFIGURE + code, environment),
                        measure(python, None, _INSTRUMENT + code, environment),
                    ),
                    LAUNCHED: (
                        measure(python, launcher, code, without),
                        measure(python, launcher, code, launched),
                    ),
                }
                for way, pair in pairs.items() if number else ():
                    runs.setdefault((work, way), []).append(list(pair))
    server.shutdown()
    return {
        key: [least([pair[at] for pair in found]) for at in (0, 1)] for key, found in runs.items()
    }


def least(found: Sequence[Figures]) -> Figures:
    """The least of each figure."""
    return {name: min(one[name] for one in found) for name in found[0]}


# --- prices ---------------------------------------------------------------------------------

_PRICE: Final = """
import gc, json, os, sys, time, tracemalloc
from importlib.metadata import entry_points
from opentelemetry.sdk.trace import TracerProvider
from otelier.cost import Prices
from otelier.identity import Identity
from otelier.protocols import Reply
from otelier.usage import Usage
# As OpenTelemetry has done, which looks for its parts.
list(entry_points(group="opentelemetry_context"))
which, traced = {which!r}, {traced!r}
wanted = [("openai", "https://api.openai.com/v1", "gpt-4o-mini"),
          ("anthropic", "https://api.anthropic.com", "claude-haiku-4-5")]
if which == "all":
    from otelier.prices.sources import SHIPPED
    lines = [json.loads(line) for line in SHIPPED.read_bytes().splitlines()]
    wanted = [(seller[0], "", each["models"][-1][0])
              for seller, each in zip(lines[0]["providers"], lines[1:]) if each["models"]]
    del lines
else:
    wanted = [one for one in wanted if one[0] == which]
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
prices, priced = Prices(), 0
gc.collect()
if traced:
    tracemalloc.start()
before, begun, seen = held(), time.process_time(), 0
def count(frame, event, argument):
    global seen
    seen += event in ("call", "c_call")
if traced == 2:
    tracemalloc.stop()
    sys.setprofile(count)
for provider, url, model in wanted:
    reply = Reply(usage=Usage(input=10, output=5))
    found = prices.price(Identity(provider, None, None, url), model, model, reply)
    priced += found is not None
sys.setprofile(None)
spent = time.process_time() - begun
kept, most = tracemalloc.get_traced_memory() if traced == 1 else (0, 0)
print(json.dumps({{"priced": priced, "of": len(wanted), "resident": held() - before, "kept": kept,
                  "most": most, "cpu": spent * 1e3, "calls": seen,
                  "shipped": prices.source == "shipped"}}))
"""


def priced(which: str, python: str = sys.executable, rounds: int = 1) -> Figures:
    """The first priced calls of a process: ``openai``, ``anthropic``, or one of ``all`` providers.

    Bytes that its objects keep, and kept at most meanwhile; how much larger the process became;
    processor time, and function calls.
    """
    runs = []
    for _ in range(rounds):
        each: Figures = {}
        for traced in (0, 1, 2):
            code = _PRICE.format(which=which, traced=traced)
            done = subprocess.run(
                [python, "-c", code],
                cwd=ROOT, env=counting.clean(), check=True, capture_output=True, text=True,
            )  # fmt: skip
            one = json.loads(done.stdout)
            if not traced:
                each = one
            else:
                each.update({name: one[name] for name in ("kept", "most", "calls") if one[name]})
        runs.append(each)
    return least(runs)


# --- instructions ---------------------------------------------------------------------------

_COUNTED: Final = """
import sys
from benchmarks.instructions import _DUMP_AT, _START, _STOP, _ZERO, _requests
request = _requests()
{before}
request(_START)
request(_ZERO)
{code}
request(_DUMP_AT, b"job 0")
request(_STOP)
"""


def counted(code: str, before: str) -> int:
    """Instructions of ``code`` after ``before``, by callgrind."""
    import re

    environment = counting.clean(PYTHONHASHSEED="0", PYTHONMALLOC="pymalloc")
    # So that there is bytecode.
    run = [sys.executable, "-c", f"{before}\n{code}"]
    subprocess.run(run, cwd=ROOT, env=environment, check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                "valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-line=no",
                f"--callgrind-out-file={folder}/out", sys.executable, "-c",
                _COUNTED.format(before=before, code=code),
            ],
            cwd=ROOT, env=environment, check=True, capture_output=True,
        )  # fmt: skip
        for file in Path(folder).glob("out*"):
            text = file.read_text()
            total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
            if "Client Request: job 0" in text and total is not None:
                return int(total[1])
    raise RuntimeError("callgrind counted nothing")


# --- the tables -----------------------------------------------------------------------------


def _beside(pair: list[Figures], name: str, digits: int = 0) -> str:
    """A figure without otelier, and what otelier adds."""
    without, added = pair[0][name], pair[1][name] - pair[0][name]
    return f"{without:,.{digits}f} {'+' if added >= 0 else '-'} {abs(added):,.{digits}f}"


_BEFORE: Final = {
    "the OpenTelemetry SDK is imported": counting.SDK,
    "`openai` and `anthropic` are, too, and patched at once": counting.SDK + counting.USE,
}


def _alone(name: str, before: str, rounds: int) -> list[str]:
    """What it takes by itself, which differences of whole programs show less well."""
    told = "–"
    if instructions.missing() is None:
        told = f"{counted(counting.INSTRUMENT, before) / 1e3:,.0f}"
    found = counting.start(counting.INSTRUMENT, before, rounds)
    return [name, told, f"{found.milliseconds:.0f}", f"{len(found.modules)}"]


def report(python: str, rounds: int) -> Iterator[str]:
    """The section, part by part."""
    named = ", ".join(f"{each} {_version(python, each)}" for each in ("openai", "anthropic"))
    number = sum(_version(python, each) != "–" for each in SDKS)
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, "
        f"CPython {platform.python_version()}, opentelemetry-sdk {version('opentelemetry-sdk')}, "
        f"{number} SDKs installed, of them {named}; the least of {rounds} rounds."
    )
    found = started(python, rounds)
    rows = [
        [
            work,
            way,
            _beside(pair, "wall"),
            _beside(pair, "cpu"),
            _beside(pair, "modules"),
            _beside(pair, "peak", 1),
            _beside(pair, "held", 1),
            _beside(pair, "calls", 1) if pair[0]["calls"] else "",
        ]
        for (work, way), pair in found.items()
    ]
    heads = ["Program", "started", "wall, ms", "CPU, ms", "modules", "peak, MiB", "held, MiB"]
    yield table([*heads, "first calls, CPU ms"], rows)
    rows = [_alone(name, before, rounds) for name, before in _BEFORE.items()]
    yield table(["`instrument()` alone", "thousand instructions", "CPU, ms", "modules"], rows)
    rows = []
    for which in ("openai", "anthropic", "all"):
        one = priced(which, rounds=rounds)
        sizes = [f"{one[name] / 2**20:.1f}" for name in ("kept", "most", "resident")]
        told = "one call of each provider of the list" if which == "all" else f"`{which}`"
        rows.append([told, *sizes, f"{one['cpu']:.1f}", f"{one['calls']:,.0f}"])
    heads = ["First price of a process", "objects, MiB", "at most, MiB", "process grows, MiB"]
    yield table([*heads, "CPU, ms", "function calls"], rows)


def _version(python: str, name: str) -> str:
    if python == sys.executable:
        try:
            return version(name)
        except PackageNotFoundError:
            return "–"
    code = f"from importlib.metadata import version; print(version({name!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() or "–"


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="the least of them is told")
    parser.add_argument("--here", action="store_true", help="in the environment of this Python")
    parser.add_argument("--write", type=Path, nargs="?", const=README, help="into this document")
    given = parser.parse_args(arguments)
    python = sys.executable
    if not given.here:
        folder = CACHE / "starting"
        problem = environments.install(folder, SDKS, environments.installer())
        if problem:
            parser.exit(1, f"{problem}\nthe SDKs cannot be installed; --here takes what is there\n")
        python = environments.interpreter(folder)
    publish(report(python, given.rounds), MARK, given.write)


if __name__ == "__main__":
    main()
