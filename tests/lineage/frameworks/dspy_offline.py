"""Keeps DSPy to itself: a cache of its own, and no list of prices from elsewhere.

Imported before DSPy, which looks at its environment where it is imported.
"""

from __future__ import annotations

import os
import tempfile
from typing import Final

os.environ.setdefault("DSPY_CACHEDIR", tempfile.mkdtemp(prefix="dspy"))
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
DSPY: Final = "dspy"
