"""Runs the example pipeline under otelier and says where its traces are.

python examples/demo.py [--messages] [--live] [question]
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

STORE = "otelier-demo.db"
PIPELINE = Path(__file__).with_name("rag_pipeline.py")


def main(arguments: list[str]) -> int:
    options = [word for word in arguments if word == "--messages"]
    rest = [word for word in arguments if word not in options]
    # The stand-in answers as both providers; by these names there are prices for its models.
    os.environ.setdefault("OTELIER_PROVIDER_HOSTS", "127.0.0.1=openai,localhost=anthropic")
    for beside in ("", "-wal", "-shm"):
        Path(STORE + beside).unlink(missing_ok=True)
    otelier = [sys.executable, "-m", "otelier.cli"]
    program = [sys.executable, str(PIPELINE), *rest]
    done = subprocess.run([*otelier, "run", "--store", STORE, *options, "--", *program])
    if done.returncode == 0:
        print(AFTERWARDS.format(otelier=command(), store=STORE), flush=True)
    return done.returncode


def command() -> str:
    """How `otelier` is called from here, as it may be typed."""
    beside = Path(sys.executable).with_name("otelier")
    found = shutil.which("otelier")
    # Another environment may have one of its own on the path.
    if found is not None and Path(found).resolve() == beside.resolve():
        return "otelier"
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m otelier.cli"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


AFTERWARDS = """
The same spans are in {store}, a store of its own.
  with all messages:              {otelier} trace --store {store} --messages
  its calls as a table:           {otelier} calls --store {store}
  what they cost, by model:       {otelier} costs --store {store}
  your own program:               {otelier} run -- python app.py
  and to a backend while it runs: {otelier} run --otlp http://localhost:4318 -- python app.py

See it in a browser: {otelier} ui --store {store}
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
