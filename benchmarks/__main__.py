"""``python -m benchmarks``: all of it, one after the other."""

from __future__ import annotations

import subprocess
import sys

for module in ("counting", "timing", "instructions", "starting"):
    print(f"\n== benchmarks.{module}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{module}"], check=False)
