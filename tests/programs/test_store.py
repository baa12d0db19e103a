"""Programs that write the local store without `otelier run`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cli.running import ON, few, stored

# Of the other signals the store is the default, too.
TO_STORE = {**ON, "OTEL_TRACES_EXPORTER": "otelier"}


def test_the_store_that_code_names(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    program = """
import os, otelier
otelier.instrument(store="mine.db", store_keep="30d", store_size="1g")
os.chdir("elsewhere")
with otelier.step("mine"):
    pass
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=few(**TO_STORE, OTELIER_STORE=str(tmp_path / "other.db")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(stored(tmp_path / "mine.db")) == 1
    # Nobody asks for reports where nobody reads them.
    assert not (tmp_path / "other.db").exists() and not list(tmp_path.glob("**/*.spans"))
