"""``python -m tests.browser.stores FOLDER [NAME ...]``: stores to look at by hand."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.browser.stores import STORES, made_in

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in sys.argv[2:] or STORES:
    for old in folder.glob(f"{name}.db*"):
        old.unlink()
    began = time.perf_counter()
    path = made_in(folder, name)
    print(f"{path}: {path.stat().st_size:,} bytes in {time.perf_counter() - began:.1f} s")
