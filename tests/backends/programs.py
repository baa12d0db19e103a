"""Gets the real programs into ``.cache/backends``: ``python -m tests.backends.programs [NAME …]``.

Versions are pinned. Go checks what it downloads against its checksum database; modules that cannot
be looked up there are checked against ``SUMS``. Debian's packages are pinned and checked by its
signed lists, Python's by version. What cannot be had is said, and the others are got.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "backends"
BIN = CACHE / "bin"
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.145.0"
JAEGER = "github.com/jaegertracing/jaeger@v1.76.0"
# Debian's 0.25 does not run unpacked, and knows no url_file of webhooks.
ALERTMANAGER = "github.com/prometheus/alertmanager/cmd/alertmanager@v0.28.1"
# Releases have no module path of their own; this commit is of 2.8.
TEMPO = "github.com/grafana/tempo@v1.5.1-0.20250529124718-87c2dc380cec"
# h1 hashes of module archives, as in go.sum.
SUMS = {
    JAEGER: "h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g=",
    TEMPO: "h1:wnzJov9RhSHGaTYGzTygL4qq986fLen8xSqnQgaMd28=",
}


def go() -> str | None:
    """The go command, where there is one."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")


def program(name: str) -> Path | None:
    """A program that was got, or None: a binary, or the Python of an environment."""
    if (CACHE / name / "complete").exists():
        return CACHE / name / "bin" / "python"
    return BIN / name if (BIN / name).exists() else None


def _run(*command: object, cwd: Path | None = None, **env: str) -> str:
    found = go()
    settings = {
        "PATH": f"{Path(found).parent}:{os.environ['PATH']}" if found else os.environ["PATH"],
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false",
        # Modules of these projects are missing in the checksum database of some mirrors.
        "GONOSUMDB": "github.com/open-telemetry/*,github.com/grafana/tempo",
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
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise RuntimeError(said[-1] if said else f"{command[0]} failed")
    return done.stdout


def installed(package: str, into: Path = BIN) -> None:
    """A program of a module that can be installed."""
    _run("go", "install", package, GOBIN=str(into))


def collector() -> None:
    """The collector, with the components that the configurations use."""
    tools = CACHE / "tools"
    installed(BUILDER, tools)
    manifest = ROOT / "collector-config" / "builder.yaml"
    out = CACHE / "otelcol-source"
    given = CACHE / "builder.yaml"
    given.write_text(manifest.read_text().replace("dist:\n", f"dist:\n  output_path: {out}\n"))
    _run(tools / "builder", "--config", given, cwd=CACHE)
    shutil.copy2(out / "otelcol", BIN / "otelcol")
    shutil.rmtree(out)


def in_place(module: str, package: str) -> None:
    """A module that replaces others, and so cannot be installed: built where it is unpacked."""
    told: dict[str, Any] = json.loads(_run("go", "mod", "download", "-json", module, cwd=CACHE))
    if told["Sum"] != SUMS[module]:
        raise RuntimeError(f"{module} has another checksum: {told['Sum']}")
    name = Path(package).name
    source = CACHE / f"{name}-source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(told["Dir"], source)
    _run("chmod", "-R", "u+w", source)
    _run("go", "build", "-o", BIN / name, package, cwd=source)
    shutil.rmtree(source)


def debian(package: str, version: str, *names: str) -> None:
    """Programs of a Debian package, unpacked and not installed."""
    if shutil.which("apt-get") is None:
        raise RuntimeError("this is no Debian")
    wanted = f"{package}={version}*"
    here = CACHE / f"{package}-deb"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    try:
        _run("apt-get", "download", wanted, cwd=here)
    except RuntimeError:
        # Only root may renew the lists.
        _run("apt-get", "update")
        _run("apt-get", "download", wanted, cwd=here)
    (archive,) = here.glob("*.deb")
    _run("dpkg", "-x", archive, here)
    for name in names:
        shutil.copy2(here / "usr" / "bin" / name, BIN / name)
    shutil.rmtree(here)


def python(name: str, *packages: str) -> None:
    """Packages in an environment of their own."""
    home = CACHE / name
    shutil.rmtree(home, ignore_errors=True)
    _run(sys.executable, "-m", "venv", home)
    _run(
        *(home / "bin" / "python", "-m", "pip", "install", "--quiet"),
        *("--disable-pip-version-check", *packages),
    )
    (home / "complete").touch()


PROGRAMS: dict[str, Callable[[], None]] = {
    "prometheus": partial(debian, "prometheus", "2.42.0", "prometheus", "promtool"),
    "alertmanager": partial(installed, ALERTMANAGER),
    "chdb": partial(python, "chdb", "chdb==4.4.0"),
    "phoenix": partial(python, "phoenix", "arize-phoenix==20.26.1"),
    "mlflow": partial(python, "mlflow", "mlflow==3.17.2"),
    "otelcol": collector,
    "jaeger": partial(in_place, JAEGER, "./cmd/jaeger"),
    "tempo": partial(in_place, TEMPO, "./cmd/tempo"),
}


def main(wanted: list[str]) -> int:
    """Get what is asked for, or all."""
    if go() is None:
        print("backends: skipped, there is no Go on this machine")
        return 0
    BIN.mkdir(parents=True, exist_ok=True)
    for name in wanted or PROGRAMS:
        if program(name) is not None:
            print(f"backends: {name} is there")
            continue
        started = time.monotonic()
        try:
            PROGRAMS[name]()
        except (RuntimeError, OSError, ValueError) as problem:
            print(f"backends: {name} cannot be had: {problem}", flush=True)
        else:
            print(f"backends: {name} in {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
