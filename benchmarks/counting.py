"""Exact counts: function calls, what is kept, what is imported. Deterministic but for CPU time.

``python -m benchmarks.counting`` prints all of them.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
# Modules that a program which uses no GenAI SDK must not get from us.
HEAVY: Final = (
    "aiohttp", "anthropic", "boto3", "botocore", "fsspec", "genai_prices", "google.genai", "groq",
    "grpc", "httpx", "httpx2", "langchain_core", "openai", "pydantic", "requests",
)  # fmt: skip


# --- function calls -------------------------------------------------------------------------


@dataclass
class Calls:
    """Function calls of one operation."""

    # Python functions called, by their module; C functions called, by the calling module.
    python: Counter[str] = field(default_factory=Counter)
    c: Counter[str] = field(default_factory=Counter)
    # Python functions of otelier's, by module and name; C functions it called, the same.
    ours: Counter[str] = field(default_factory=Counter)
    ours_c: Counter[str] = field(default_factory=Counter)
    # C functions called by anybody, by the module that has them.
    c_owner: Counter[str] = field(default_factory=Counter)

    def of(self, prefix: str) -> int:
        """Python and C calls in and from modules that begin with ``prefix``."""
        return sum(
            number
            for counter in (self.python, self.c)
            for name, number in counter.items()
            if name == prefix or name.startswith(prefix + ".")
        )

    @property
    def total(self) -> int:
        return self.python.total() + self.c.total()


def calls(run: Callable[[], Any]) -> Calls:
    """Every function call that ``run()`` makes in this thread."""
    found = Calls()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        module = frame.f_globals.get("__name__", "?")
        if event == "call":
            found.python[module] += 1
            if module.startswith("otelier"):
                found.ours[f"{module}:{frame.f_code.co_qualname}"] += 1
        elif event == "c_call":
            found.c[module] += 1
            found.c_owner[str(getattr(argument, "__module__", None))] += 1
            if module.startswith("otelier"):
                found.ours_c[f"{module}:{frame.f_code.co_qualname} > {argument.__name__}"] += 1

    gc.collect()
    gc.disable()
    try:
        sys.setprofile(profile)
        try:
            run()
        finally:
            sys.setprofile(None)
    finally:
        gc.enable()
    return found


def operation(scenario: Any, variant: str, first: bool = False, **options: Any) -> Calls:
    """Function calls of one operation of a scenario, after some to warm up."""
    from benchmarks.scenarios import Bench

    with Bench(scenario, variant, **options) as bench:
        return calls(bench.first_chunk if first else bench.run)


def per_chunk(scenario: Any, variant: str) -> tuple[Calls, float]:
    """Function calls of a stream, and the average of a chunk, by the difference of two lengths."""
    from dataclasses import replace

    long = operation(scenario, variant)
    short = operation(replace(scenario, chunks=scenario.chunks // 2), variant)
    return long, (long.total - short.total) / (scenario.chunks - scenario.chunks // 2)


# --- memory ---------------------------------------------------------------------------------


def otelier_objects() -> Counter[str]:
    """Living objects whose class is otelier's, by class."""
    gc.collect()
    found: Counter[str] = Counter()
    for one in gc.get_objects():
        kind = type(one)
        module = kind.__dict__.get("__module__")
        if isinstance(module, str) and module.split(".", 1)[0] == "otelier":
            found[f"{module}.{kind.__qualname__}"] += 1
    return found


def left_after(bench: Any, number: int) -> Counter[str]:
    """Objects of otelier's that ``number`` calls left behind."""
    bench.run()
    before = otelier_objects()
    for _ in range(number):
        bench.run()
    after = otelier_objects()
    after.subtract(before)
    return Counter({name: rest for name, rest in after.items() if rest > 0})


@dataclass
class Held:
    """What otelier makes live while a stream is open."""

    bytes: int
    # Chunk objects beside the last.
    chunks: int
    text: int


def held_by_stream(chunks: int = 10_000, content: bool = True, api: str = "chat") -> Held:
    """Read ``chunks`` pieces of six characters, the stream still open: more than without us."""
    bare, _ = _open_stream(chunks, content, api, "bare")
    ours, alive = _open_stream(chunks, content, api, "otelier")
    return Held(ours - bare, alive, 6 * chunks)


def _open_stream(chunks: int, content: bool, api: str, variant: str) -> tuple[int, int]:
    from benchmarks.scenarios import Bench, Scenario

    with Bench(Scenario(api, chunks=20, content=content, lite=True), variant) as bench:
        ready = bench.chunks
        text = ready[len(ready) // 2]

        def stream(self: Any) -> Iterator[Any]:
            # Every chunk a new object, as from the wire.
            yield from ready[: len(ready) // 2]
            for number in range(chunks):
                yield _again(text, api, f"{number:05} ")
            yield from ready[len(ready) // 2 :]
            self.response.close()

        bench.patched.__stream__ = stream
        kind = type(text)
        gc.collect()
        before = sum(type(one) is kind for one in gc.get_objects())
        iterator = iter(bench.start())
        tracemalloc.start()
        try:
            for _ in range(chunks + len(ready) // 2):
                next(iterator)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
            alive = sum(type(one) is kind for one in gc.get_objects()) - before
        finally:
            tracemalloc.stop()
        for _ in iterator:
            pass
    return held, alive


def _again(chunk: Any, api: str, text: str) -> Any:
    new = copy(chunk)
    if api == "chat":
        choice = copy(chunk.choices[0])
        choice.delta = copy(choice.delta)
        choice.delta.content = text
        new.choices = [choice]
    elif api == "responses":
        new.delta = text
    else:
        new.delta = copy(chunk.delta)
        new.delta.text = text
    return new


# --- start ----------------------------------------------------------------------------------

_START: Final = """
import json, sys, time
{before}
known = set(sys.modules)
begin = time.process_time()
{code}
spent = time.process_time() - begin
print(json.dumps([spent * 1000, sorted(set(sys.modules) - known)]))
"""
SDK: Final = """
from opentelemetry import trace, metrics
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from importlib.metadata import entry_points
trace.set_tracer_provider(TracerProvider())
metrics.set_meter_provider(MeterProvider())
"""
INSTRUMENT: Final = """
from otelier.instrumentor import OtelierInstrumentor
OtelierInstrumentor().instrument(skip_dep_check=True)
"""
USE: Final = "import openai, anthropic"


@dataclass
class Start:
    """What a piece of code cost at the start of a program."""

    milliseconds: float
    modules: list[str]

    @property
    def heavy(self) -> list[str]:
        """Modules that should not be there."""
        return [
            name
            for name in self.modules
            if any(name == h or name.startswith(h + ".") for h in HEAVY)
        ]


def start(code: str, before: str = SDK, rounds: int = 1) -> Start:
    """Run ``code`` after ``before`` in fresh processes; the least CPU time of all rounds."""
    best: Start | None = None
    for _ in range(rounds):
        spent, modules = _fresh(_START.format(before=before, code=code))
        if best is None or spent < best.milliseconds:
            best = Start(spent, modules)
    assert best is not None
    return best


_CALLS: Final = """
import sys
{before}
seen = 0
def count(frame, event, argument):
    global seen
    seen += event in ("call", "c_call")
sys.setprofile(count)
{code}
sys.setprofile(None)
print(seen)
"""


def start_calls(code: str, before: str = SDK) -> int:
    """Function calls, Python's and C's, of ``code`` in a fresh process; bytecode is there."""
    program = _CALLS.format(before=before, code=code)
    _fresh(program)
    return int(_fresh(program))


def _fresh(program: str) -> Any:
    """What a program in a process of its own says last."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean(),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def clean(**more: str) -> dict[str, str]:
    """The environment without what would change a start; bytecode is kept."""
    theirs = ("OTEL_", "OTELIER_", "COV", "PYTEST", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return {**kept, **more}


# --- the table ------------------------------------------------------------------------------


def _print_calls(words: list[str]) -> None:
    from benchmarks import scenarios as s

    print(f"\n{'function calls added (Python + C)':44}{'floor':>8}{'otelier':>9}{'ratio':>7}"
          f"{'in otelier':>12}{'in OpenTelemetry':>18}")  # fmt: skip
    for one in [*s.SMALL, *s.LARGE, *s.FRESH, *s.GROWING, *s.UNSAMPLED, *s.NOTHING]:
        bare, hand, ours = (operation(one, variant) for variant in s.VARIANTS)
        added, floor = ours.total - bare.total, hand.total - bare.total
        print(f"{one.name:44}{floor:8}{added:9}{added / floor:7.2f}{ours.of('otelier'):12}"
              f"{ours.of('opentelemetry'):18}")  # fmt: skip
    for one in [*s.streams(200), s.TOOLS]:
        base, lower, upper = (per_chunk(one, variant)[1] for variant in s.VARIANTS)
        print(f"{one.name + ' /chunk':44}{lower - base:8.2f}{upper - base:9.2f}"
              f"{(upper - base) / (lower - base):7.2f}")  # fmt: skip


def main() -> None:
    """Print all counts."""
    from benchmarks import scenarios as s

    _print_calls(sys.argv[1:])
    print()
    for content in (True, False):
        held = held_by_stream(content=content)
        print(f"open chat stream, 10,000 chunks, content {'on' if content else 'off'}: "
              f"{held.bytes / 1000:.0f} KB held for {held.text / 1000:.0f} KB of text, "
              f"{held.chunks} chunk objects alive")  # fmt: skip
    for one in (s.SMALL[0], s.Scenario("chat", chunks=5)):
        with s.Bench(one, "otelier") as bench:
            print(f"left after 20,000 × {one.name}: {dict(left_after(bench, 20_000)) or 0}")
    print()
    unused = start(INSTRUMENT, rounds=5)
    print(f"start, no GenAI SDK used: {unused.milliseconds:.0f} ms CPU, {len(unused.modules)} "
          f"modules, unwanted: {unused.heavy or 'none'}")  # fmt: skip
    bare, used = start(USE, rounds=5), start(INSTRUMENT + USE, rounds=5)
    more = sorted(set(used.modules) - set(bare.modules))
    print(f"start, openai and anthropic imported: {used.milliseconds - bare.milliseconds:.0f} ms "
          f"over {bare.milliseconds:.0f}, {len(more)} more modules")  # fmt: skip


if __name__ == "__main__":
    main()
