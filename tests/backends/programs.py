"""Builds the real programs into ``.cache/backends``: ``python -m tests.backends.programs``.

Versions are pinned. Go checks what it downloads against its checksum database; the few modules that
a proxy does not list there are checked against ``SUMS``. What cannot be had is said, and the others
are built.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "backends"
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.145.0"
JAEGER = "github.com/jaegertracing/jaeger@v1.76.0"
# h1 hashes of module archives, as in go.sum.
SUMS = {JAEGER: "h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g="}


def go() -> str | None:
    """The go command, where there is one."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")


def program(name: str) -> Path | None:
    """A program that was built, or None."""
    path = CACHE / "bin" / name
    return path if path.exists() else None


def _run(*command: object, cwd: Path | None = None, **env: str) -> str:
    found = go()
    assert found is not None
    settings = {
        "PATH": f"{Path(found).parent}:{os.environ['PATH']}",
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false",
        # Modules of this project are missing in the checksum database of some mirrors.
        "GONOSUMDB": "github.com/open-telemetry/*",
        **env,
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    return done.stdout


def collector() -> None:
    """The collector, with the components that the configurations use."""
    tools = CACHE / "tools"
    _run("go", "install", BUILDER, GOBIN=str(tools))
    manifest = ROOT / "collector-config" / "builder.yaml"
    out = CACHE / "otelcol"
    given = CACHE / "builder.yaml"
    given.write_text(manifest.read_text().replace("dist:\n", f"dist:\n  output_path: {out}\n"))
    _run(tools / "builder", "--config", given, cwd=CACHE)
    shutil.copy2(out / "otelcol", CACHE / "bin" / "otelcol")


def jaeger() -> None:
    """Jaeger v2. Its module cannot be installed (it replaces another): it is built in place."""
    told: dict[str, Any] = json.loads(_run("go", "mod", "download", "-json", JAEGER, cwd=CACHE))
    if told["Sum"] != SUMS[JAEGER]:
        raise RuntimeError(f"{JAEGER} has another checksum: {told['Sum']}")
    source = CACHE / "jaeger"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(told["Dir"], source)
    _run("chmod", "-R", "u+w", source)
    _run("go", "build", "-o", CACHE / "bin" / "jaeger", "./cmd/jaeger", cwd=source)
    shutil.rmtree(source)


PROGRAMS = {"otelcol": collector, "jaeger": jaeger}


def main() -> int:
    (CACHE / "bin").mkdir(parents=True, exist_ok=True)
    if go() is None:
        print("backends: skipped, there is no Go on this machine")
        return 0
    for name, build in PROGRAMS.items():
        if program(name) is not None:
            print(f"backends: {name} is there")
            continue
        print(f"backends: building {name}", flush=True)
        try:
            build()
        except (RuntimeError, OSError) as problem:
            print(f"backends: {name} cannot be had: {problem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
