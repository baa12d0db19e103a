"""Runs the suites against each claimed version, each in an environment of its own.

``python -m tests.matrix [name …]``: all rows, or those whose name starts so. Environments are kept
in ``.cache/matrix``. When all rows ran, `docs/libraries/index.md` is written from the results.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.release import pythons

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "matrix"
BEGIN, END = "<!-- support table: make test-matrix -->", "<!-- end of the support table -->"
TOOLS = ("pytest>=8", "pytest-timeout>=2", "jsonschema>=4", "pyyaml>=6", "httpx")
# Suites that drive SDKs; tests of features that an SDK does not have are skipped.
SUITES = (
    "tests/transparency/test_whole.py",
    "tests/transparency/test_streams.py",
    "tests/hooks",
    "tests/sdks",
    # HTTP libraries have rows of their own.
    "--ignore=tests/sdks/http",
    "tests/lineage",
    # These have an environment of their own.
    "--ignore=tests/lineage/services",
    "tests/replay",
)
PROVIDERS = ("tests/transparency/test_providers.py",)
FAMILY = ("tests/sdks/stainless/test_families.py",)
# What differs by Python first: values, wire formats, hooks, each SDK. The workflow of CI runs all.
PYTHON = "python"
OF_PYTHON = ("tests/unit", "tests/protocols", "tests/hooks", "tests/sdks")
PINNED = ("-r", "requirements/test.in", "-c", "requirements/test.txt")
# The SDKs of that time name arguments that later httpx no longer has.
OLD_HTTPX = ("httpx<0.28",)


@dataclass(frozen=True)
class Row:
    """One environment."""

    library: str
    version: str
    pins: tuple[str, ...] = ()
    suites: tuple[str, ...] = SUITES
    python: str = ""

    @property
    def name(self) -> str:
        return f"{self.library}-{self.version}" + (f"-python{self.beside}" if self.beside else "")

    @property
    def beside(self) -> str:
        """The Python of a version that is tested on another one than the rest of its library."""
        return "" if self.library == PYTHON else self.python

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed beside otelier."""
        if self.library == PYTHON:
            return PINNED
        return (f"{self.library}=={self.version}", *self.pins, *TOOLS)


def own(library: str, hook: str, *versions: tuple[str, tuple[str, ...]]) -> Iterator[Row]:
    """Rows of an SDK with a hook of its own, which the suites know as ``hook``."""
    for version, pins in versions:
        suites = (f"tests/sdks/test_{hook}.py", *PROVIDERS, f"tests/replay/test_{hook}.py")
        present = [each for each in suites if (ROOT / each).exists()]
        yield Row(library, version, pins, (*present, "-k", hook))


NEWEST_OPENAI, NEWEST_ANTHROPIC = "openai==3.57.0", "anthropic==2.14.0"
ROWS = (
    *(Row(PYTHON, version, (), OF_PYTHON, version) for version in pythons.claimed()),
    *(
        Row("openai", version, (*pins, "websockets>=13"))
        for version, pins in (
            # Libraries of the same time: the newest beside it do not resolve.
            ("1.0.0", (*OLD_HTTPX, "anthropic==0.40.0")),
            ("1.40.0", (*OLD_HTTPX, NEWEST_ANTHROPIC)),
            ("1.109.1", (NEWEST_ANTHROPIC,)),
            ("2.54.0", (NEWEST_ANTHROPIC,)),
            ("3.0.0", (NEWEST_ANTHROPIC,)),
            ("3.57.0", (NEWEST_ANTHROPIC,)),
        )
    ),
    *(
        Row("anthropic", version, pins)
        for version, pins in (
            ("0.25.0", (*OLD_HTTPX, "openai==1.40.0")),
            ("0.40.0", (*OLD_HTTPX, NEWEST_OPENAI)),
            ("0.60.0", (NEWEST_OPENAI,)),
            ("0.125.0", (NEWEST_OPENAI,)),
            ("1.0.0", (NEWEST_OPENAI,)),
            ("1.17.0", (NEWEST_OPENAI,)),
            ("2.14.0", (NEWEST_OPENAI,)),
        )
    ),
    *(
        Row(library, version, (*pins, NEWEST_OPENAI, NEWEST_ANTHROPIC), FAMILY)
        for library, version, pins in (
            ("groq", "0.4.2", OLD_HTTPX),
            ("groq", "1.7.0", ()),
            ("together", "2.0.0", ()),
            ("together", "3.1.1", ()),
            ("cerebras-cloud-sdk", "1.0.0", OLD_HTTPX),
            ("cerebras-cloud-sdk", "1.91.0", ()),
            ("fireworks-ai", "1.2.0", ()),
            ("fireworks-ai", "1.2.28", ()),
            ("writer-sdk", "1.0.0", OLD_HTTPX),
            ("writer-sdk", "3.0.0", ()),
        )
    ),
    *own(
        "google-genai",
        "google_genai",
        ("1.0.0", ()),
        ("1.46.0", ()),
        ("1.60.0", ()),
        ("2.34.0", ()),
        ("3.6.1", ("aiohttp",)),
    ),
    *own("boto3", "bedrock", ("1.34.116", ()), ("1.44.8", ())),
    *own("aiobotocore", "bedrock", ("2.13.1", ()), ("3.10.0", ())),
    *own(
        "mistralai",
        "mistral",
        # 1.0 needs a pydantic that price data does not go with.
        ("1.1.0", (*OLD_HTTPX, "pydantic<2.11")),
        ("1.12.4", ("mistralai[agents]==1.12.4",)),
        # It needs the OpenTelemetry of its time.
        (
            "2.0.5",
            (
                "mistralai[agents]==2.0.5",
                "opentelemetry-sdk==1.39.1",
                "opentelemetry-exporter-otlp==1.39.1",
                "opentelemetry-instrumentation==0.60b1",
            ),
        ),
        ("3.7.0", ("mistralai[agents]==3.7.0",)),
    ),
    *own("cohere", "cohere", ("5.13.12", ()), ("5.21.1", ()), ("7.3.1", ())),
    *own("ollama", "ollama", ("0.4.0", ()), ("0.6.3", ())),
    *own(
        "litellm",
        "litellm",
        # 1.53.0 was withdrawn. Newer ones import some of their extras for tools and their cache.
        ("1.53.1", (*OLD_HTTPX, "openai<1.56")),
        ("1.110.2", ("mcp>=2.2,<3", "fastapi", "soundfile")),
    ),
    *own(
        "huggingface-hub",
        "huggingface",
        ("0.31.0", ("aiohttp", "numpy", "pillow")),
        ("0.36.2", ("aiohttp", "numpy", "pillow")),
        ("1.0.0", ("numpy", "pillow")),
        ("1.33.0", ("numpy", "pillow")),
        ("2.4.0", ("numpy", "pillow")),
    ),
    *own("lm15", "lm15", ("1.0.1", ()), ("1.5.0", ())),
    *own("xai-sdk", "xai", ("1.0.1", ()), ("1.21.0", ())),
    *(
        Row(library, version, (), ("tests/sdks/http/test_plain.py",))
        for library, version in (
            ("httpx", "0.25.2"),
            ("httpx", "0.28.1"),
            ("httpx2", "2.0.0"),
            ("httpx2", "2.16.2"),
            ("requests", "2.28.0"),
            ("requests", "2.34.2"),
            ("aiohttp", "3.9.0"),
            ("aiohttp", "3.14.5"),
        )
    ),
    Row(
        "opentelemetry-sdk",
        "1.34.1",
        (
            "opentelemetry-api==1.34.1",
            "opentelemetry-instrumentation==0.55b1",
            "opentelemetry-exporter-otlp==1.34.1",
            NEWEST_OPENAI,
            NEWEST_ANTHROPIC,
        ),
    ),
    Row("opentelemetry-sdk", "1.45.2", (NEWEST_OPENAI, NEWEST_ANTHROPIC), python="3.13"),
)


def run(command: Iterable[object], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def environment(row: Row) -> Path:
    """The row's interpreter, with everything installed."""
    folder = CACHE / row.name
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        base = pythons.found(row.python) if row.python else sys.executable
        if base is None:
            raise RuntimeError(f"no Python {row.python}")
        run([base, "-m", "venv", folder])
        installed = run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-e", ROOT,
             *row.packages],
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        if installed.returncode:
            raise RuntimeError(installed.stderr.strip().splitlines()[-1])
        (folder / "done").touch()
    return python


def test(row: Row) -> str:
    """Run the row's suites: pytest's closing line without its decoration."""
    try:
        python = environment(row)
    except RuntimeError as problem:
        return f"not installed: {problem}"
    log = CACHE / f"{row.name}.log"
    done = run(
        [python, "-m", "pytest", "-q", *row.suites],
        cwd=ROOT,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )
    closing = re.search(r"(\d+ failed, )?\d+ passed.*?(?= in )", log.read_text())
    if closing is None:
        return f"no result (exit code {done.returncode}), see {log.relative_to(ROOT)}"
    return closing.group()


def result(row: Row) -> Path:
    """Where a row's result is kept, so that rows can be run by several processes."""
    return CACHE / f"{row.name}.result"


def table(results: dict[str, str]) -> str:
    """The support table."""
    lines = [
        "| Library | Tested versions (oldest and newest are the range) | Result of the suites |",
        "|---|---|---|",
    ]
    for library in dict.fromkeys(row.library for row in ROWS):
        rows = [row for row in ROWS if row.library == library]
        versions = ", ".join(
            row.version + (f" (Python {row.beside})" if row.beside else "") for row in rows
        )
        bad = [
            f"{row.version}: {results[row.name].split(',')[0]}"
            for row in rows
            if "failed" in results[row.name] or "passed" not in results[row.name]
        ]
        counted = "; ".join(bad) if bad else "all pass"
        lines.append(f"| {library} | {versions} | {counted} |")
    return "\n".join(lines)


def main(names: list[str]) -> int:
    CACHE.mkdir(parents=True, exist_ok=True)
    chosen = [row for row in ROWS if not names or row.name.startswith(tuple(names))]
    for row in chosen:
        result(row).write_text(test(row))
        print(f"{row.name}: {result(row).read_text()}", flush=True)
    results = {row.name: result(row).read_text() for row in ROWS if result(row).exists()}
    if all(row.name in results for row in ROWS):
        page = ROOT / "docs/libraries/index.md"
        before, _, rest = page.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        page.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}")
    failed = [
        row for row in chosen if "failed" in results[row.name] or "passed" not in results[row.name]
    ]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
