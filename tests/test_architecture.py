"""Arrows run downward only, SDKs are never imported, the environment is read in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import otelier

ROOT = Path(otelier.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Layers from the bottom up: a module may import from its own layer and those below.
LAYERS = (
    ("guard",),
    ("expressions", "forks", "loading", "statics", "unicode", "protobuf"),
    ("values", "value_readers", "value_libraries"),
    (
        "version",
        "semconv",
        "kinds",
        "wire",
        "context",
        "truncation",
        "setting_texts",
        "spelling",
        "urls",
    ),
    ("tightening",),
    ("setting_table",),
    ("settings", "usage", "gateways", "identity", "redaction"),
    ("errors", "deferred", "whose", "following", "leaving", "steady", "under_way"),
    ("blobs", "documents", "known_clean", "openinference", "protocols", "batches", "prices"),
    ("billing",),
    ("background", "chunk_times", "content", "cost", "summed"),
    ("prompts", "metrics"),
    ("asking", "giving_way"),
    ("events", "scope"),
    ("ready",),
    ("runtime", "conversation"),
    ("rendering",),
    ("apart", "completing", "theirs"),
    ("model_runs", "their_content"),
    ("finishing", "natives"),
    ("outcome",),
    ("call", "nohandle"),
    ("answered", "forked_threads", "unheard"),
    ("handle", "processor", "evaluation", "sdk_setup", "children", "termination"),
    ("pace",),
    ("executed", "returned"),
    ("declared",),
    ("around",),
    ("capturing", "sessions"),
    ("pipeline",),
    ("hooks",),
    ("sdks", "frameworks", "services"),
    ("control",),
    ("instrumentor", "__init__"),
    ("store",),
    ("viewer",),
    ("testing",),
    ("questions",),
    ("web",),
    ("cli", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# Nobody needs these from below; the face may be imported by name by users only.
ENTRY_POINTS = {"instrumentor", "cli", "viewer", "store", "testing"}
# Imported by name when their library is: nobody else knows them.
ROOMS = ("sdks", "frameworks")
# What all frameworks' rooms share.
COMMON = ("steps", "models", "lent")
ALLOWED_ROOTS = {
    "opentelemetry",
    "wrapt",
    "orjson",
    "genai_prices",
    "fsspec",
    "otelier",
    "google",
    "rich",
    # Only pytest imports what imports it.
    "pytest",
    # Of extras, imported where they are asked for.
    "clickhouse_connect",
    "jinja2",
    "markdown_it",
    "markupsafe",
    "mcp",
    "pyarrow",
    "starlette",
    "uvicorn",
}


def top(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, from modules of ours with the module's name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "otelier":
                yield from (f"otelier.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downward(path: Path) -> None:
    here = top(path)
    assert here in LEVEL, f"{here} is in no layer"
    for name in imports(path):
        root, _, rest = name.partition(".")
        if root != "otelier" or not rest:
            continue
        there = rest.split(".")[0]
        if there in LEVEL:
            assert LEVEL[there] <= LEVEL[here], f"{here} imports {there}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sdk_is_imported(path: Path) -> None:
    import sys

    for name in imports(path):
        root = name.partition(".")[0]
        assert root in ALLOWED_ROOTS or root in sys.stdlib_module_names, name


def test_only_the_viewer_draws() -> None:
    for path in FILES:
        assert top(path) == "viewer" or not any(n.startswith("rich") for n in imports(path)), path


def test_hooks_and_protocols_do_not_know_each_others_trade() -> None:
    for path in (ROOT / "protocols").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(("opentelemetry", "otelier.call", "otelier.hooks")), path
    for folder in ("hooks", *ROOMS):
        for path in (ROOT / folder).rglob("*.py"):
            for name in imports(path):
                assert name != "opentelemetry.sdk", path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_are_nobody_elses(path: Path) -> None:
    """What knows a library is imported with that library; what one room has, no other uses."""
    relative = path.relative_to(ROOT).parts
    for name in imports(path):
        for kind in ROOMS:
            if not name.startswith(f"otelier.{kind}."):
                continue
            assert relative[0] == kind, f"{relative} imports {name}"
            room = name.split(".")[2]
            own = relative[1].removesuffix(".py")
            assert room in (own, *COMMON), f"{relative} imports {name}"


# Wire formats that no vendor owns, and what is common to all.
_SHARED = {"endpoints", "eventstream", "finish", "routes", "sse", "stream_usage", "table", "billed"}


def test_the_machinery_knows_no_vendor() -> None:
    for path in (ROOT / "hooks").rglob("*.py"):
        for name in imports(path):
            if name.startswith("otelier.protocols."):
                assert name.split(".")[2] in _SHARED, f"{path} imports {name}"


def test_frameworks_know_no_wire_format() -> None:
    for path in (ROOT / "frameworks").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith("otelier.protocols."), f"{path} imports {name}"


def test_the_environment_is_read_in_one_place() -> None:
    for path in FILES:
        # `otelier run` hands an environment to another program; it takes no settings from it. Nor
        # does what that program loads first.
        if path.name in ("settings.py", "run.py", "sitecustomize.py", "booted.py"):
            continue
        source = path.read_text()
        assert "os.environ" not in source, path
        assert "getenv" not in source, path


def test_files_are_small() -> None:
    for path in FILES:
        assert len(path.read_text().splitlines()) <= 510, path


def test_each_file_of_frameworks_runs_somewhere() -> None:
    from tests import frameworks

    folder = frameworks.ROOT / frameworks.FOLDER
    here = {path.name for path in folder.glob("test_*.py")}
    here |= {f"../services/{path.name}" for path in (folder / "../services").glob("test_*.py")}
    assert here == {name for row in frameworks.ROWS for name in row.files}
    assert len({row.name for row in frameworks.ROWS}) == len(frameworks.ROWS)
