"""Runs the trees of agent frameworks, each framework in an environment of its own.

``python -m tests.frameworks [name …]``: the newest of each framework, or of those whose name starts
so. ``--oldest`` runs the oldest plausible versions as well. Environments are kept in
``.cache/frameworks``, made by uv where it is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "frameworks"
TOOLS = ("pytest>=8", "pytest-timeout>=2", "pytest-xdist>=3.6")
FOLDER = "tests/lineage/frameworks"


@dataclass(frozen=True)
class Row:
    """One environment: what is installed, and the test files that run in it."""

    name: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    # Run only when the oldest versions are asked for.
    oldest: bool = False
    # Environment variables of the framework's own that keep it off the network.
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        return CACHE / self.name


ROWS = (
    Row(
        "langchain",
        (
            *("langchain>=1.5", "langgraph>=1.2", "langchain-openai>=1.7", "deepagents>=0.7"),
            *("langchain-mcp-adapters", "langgraph-checkpoint-sqlite"),
        ),
        ("test_langchain.py",),
    ),
    Row("openai_agents", ("openai-agents>=0.24",), ("test_openai_agents.py",)),
    Row("mcp", ("mcp>=2.3", "openai"), ("test_mcp.py",)),
    Row("mcp-1", ("mcp>=1.30,<2", "openai"), ("test_mcp.py",)),
    Row("pydantic_ai", ("pydantic-ai-slim[openai,anthropic]>=2.68",), ("test_pydantic_ai.py",)),
    Row(
        "llama_index",
        ("llama-index-core>=0.14", "llama-index-llms-openai", "llama-index-embeddings-openai"),
        ("test_llama_index.py",),
    ),
    Row("claude_agent", ("claude-agent-sdk>=0.2",), ("test_claude_agent.py",)),
    Row("claude_agent-mcp-1", ("claude-agent-sdk>=0.2", "mcp>=1.30,<2"), ("test_claude_agent.py",)),
    Row(
        "claude_agent-beside",
        ("claude-agent-sdk>=0.2", "openinference-instrumentation-claude-agent-sdk"),
        ("test_claude_agent.py",),
    ),
    Row(
        "claude_agent-oldest",
        # It takes what mcp has by then.
        ("claude-agent-sdk==0.0.23", "mcp<2"),
        ("test_claude_agent.py",),
        oldest=True,
    ),
    Row("crewai", ("crewai>=1.15",), ("test_crewai.py",)),
    Row("google_adk", ("google-adk>=2.13",), ("test_google_adk.py",)),
    Row("strands", ("strands-agents[openai]>=1.60",), ("test_strands.py",)),
    Row(
        "agent_framework",
        ("agent-framework-core>=1.23", "agent-framework-openai"),
        ("test_agent_framework.py",),
    ),
    Row("autogen", ("autogen-agentchat>=0.7", "autogen-ext[openai]"), ("test_autogen.py",)),
)


def chosen(arguments: list[str]) -> Iterator[Row]:
    """The rows that were asked for."""
    names = [each for each in arguments if not each.startswith("-")]
    for row in ROWS:
        if names:
            if any(row.name.startswith(name) for name in names):
                yield row
        elif not row.oldest or "--oldest" in arguments:
            yield row


def install(row: Row) -> bool:
    """Make the row's environment, unless it is there already."""
    done = row.folder / "installed.txt"
    wanted = "\n".join((*row.packages, *TOOLS))
    if done.exists() and done.read_text() == wanted:
        return True
    shutil.rmtree(row.folder, ignore_errors=True)
    python = str(row.folder / "bin" / "python")
    uv = shutil.which("uv")
    packages = ("-e", str(ROOT), *row.packages, *TOOLS)
    subprocess.run([sys.executable, "-m", "venv", str(row.folder)], check=True)
    by_uv = [uv, "pip", "install", "--quiet", "--python", python] if uv else []
    by_pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for tool in filter(None, (by_uv, by_pip)):
        if subprocess.run([*tool, *packages]).returncode == 0:
            done.write_text(wanted)
            return True
    return False


def run(row: Row) -> bool:
    """Run the row's tests; True if all passed."""
    print(f"=== {row.name}", flush=True)
    if not install(row):
        print(f"{row.name}: cannot be installed here")
        return False
    files = [f"{FOLDER}/{name}" for name in row.files]
    python = str(row.folder / "bin" / "python")
    environment = {**os.environ, **dict(row.environment)}
    command = [python, "-m", "pytest", "-q", "-rs", "--timeout", "120", *files]
    # A file whose framework is not there is skipped: then nothing was tested.
    return subprocess.run(command, cwd=ROOT, env=environment).returncode == 0


def main() -> int:
    """Run what was asked for; how many rows failed."""
    rows = list(chosen(sys.argv[1:]))
    failed = [row.name for row in rows if not run(row)]
    print(f"{len(rows) - len(failed)} of {len(rows)} environments passed")
    if failed:
        print("failed: " + ", ".join(failed))
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
