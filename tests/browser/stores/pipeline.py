"""What the example's pipeline did: its spans are real."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tests.cli.running import ON, otelier_run

_EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "rag_pipeline.py"
# By these names there are prices for what the stand-in for the providers answers.
_HOSTS: Final = "127.0.0.1=openai,localhost=anthropic"


def write(path: Path) -> None:
    """Make the store."""
    done = otelier_run(
        *("--store", str(path), "--", sys.executable, str(_EXAMPLE)),
        cwd=path.parent,
        **ON,
        OTELIER_PROVIDER_HOSTS=_HOSTS,
    )
    assert done.returncode == 0, done.stderr
