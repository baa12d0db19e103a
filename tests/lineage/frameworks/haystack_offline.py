"""Haystack tells its makers of every pipeline, unless it is told not to before it is imported."""

from __future__ import annotations

import os
from typing import Final

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

# What is imported after this.
HAYSTACK: Final = "haystack"
