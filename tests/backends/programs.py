"""Gets the real programs into ``.cache/backends``: ``python -m tests.backends.programs [NAME …]``.

Versions are pinned, and what is there in another version is got again. Go checks what it downloads
against its checksum database; modules that cannot be looked up there are checked against ``SUMS``
and ``collector.sum``. Debian's packages are checked by its signed lists; of Python's the versions
are pinned, not those of what they need. What cannot be had is said, and the others are got.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "backends"
BIN = CACHE / "bin"
MANIFEST = ROOT / "collector-config" / "builder.yaml"
# The lines of the collector's go.sum that no database checks.
CHECKED = Path(__file__).with_name("collector.sum")
_UNLISTED = "github.com/open-telemetry/"
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
    """A program, a binary or the Python of an environment, if it was got as it is pinned."""
    wanted = _WITH.get(name, name)
    pin = CACHE / "pins" / wanted
    if not pin.exists() or pin.read_text() != PROGRAMS[wanted].pin:
        return None
    binary = BIN / name
    return binary if binary.exists() else CACHE / name / "bin" / "python"


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
    out = CACHE / "otelcol-source"
    given = CACHE / "builder.yaml"
    given.write_text(MANIFEST.read_text().replace("dist:\n", f"dist:\n  output_path: {out}\n"))
    _run(tools / "builder", "--config", given, cwd=CACHE)
    found = [line for line in (out / "go.sum").read_text().splitlines() if _UNLISTED in line]
    if found != CHECKED.read_text().splitlines():
        (CACHE / "found.sum").write_text("\n".join(found) + "\n")
        raise RuntimeError(f"the modules of {_UNLISTED} have other checksums")
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


class Program(NamedTuple):
    """What is wanted, and how it is got."""

    pin: str
    get: Callable[..., None]
    given: tuple[str, ...] = ()


PROGRAMS = {
    "prometheus": Program("2.42.0", debian, ("prometheus", "2.42.0", "prometheus", "promtool")),
    "alertmanager": Program(ALERTMANAGER, installed, (ALERTMANAGER,)),
    "chdb": Program("4.4.0", python, ("chdb", "chdb==4.4.0")),
    "phoenix": Program("20.26.1", python, ("phoenix", "arize-phoenix==20.26.1")),
    "mlflow": Program("3.17.2", python, ("mlflow", "mlflow==3.17.2")),
    "otelcol": Program(f"{BUILDER} {sha256(MANIFEST.read_bytes()).hexdigest()}", collector),
    "jaeger": Program(JAEGER, in_place, (JAEGER, "./cmd/jaeger")),
    "tempo": Program(TEMPO, in_place, (TEMPO, "./cmd/tempo")),
}
# Programs that come with another.
_WITH = {"promtool": "prometheus"}


def main(wanted: list[str]) -> int:
    """Get what is asked for, or all."""
    if go() is None:
        print("backends: skipped, there is no Go on this machine")
        return 0
    BIN.mkdir(parents=True, exist_ok=True)
    (CACHE / "pins").mkdir(exist_ok=True)
    for name in wanted or PROGRAMS:
        if program(name) is not None:
            print(f"backends: {name} is there")
            continue
        started = time.monotonic()
        pin, get, given = PROGRAMS[name]
        try:
            get(*given)
        except (RuntimeError, OSError, ValueError) as problem:
            print(f"backends: {name} cannot be had: {problem}", flush=True)
        else:
            (CACHE / "pins" / name).write_text(pin)
            print(f"backends: {name} in {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
