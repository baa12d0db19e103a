"""CrewAI tells its makers of every run, and asks whether it may: not in tests.

To be imported before CrewAI is.
"""

from __future__ import annotations

import os
import tempfile

CREWAI = "crewai"

os.environ.update(
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_DISABLE_TRACKING="true",
    CREWAI_DISABLE_VERSION_CHECK="true",
    CREWAI_TESTING="true",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    # Where it keeps what it has done.
    XDG_DATA_HOME=tempfile.mkdtemp(prefix="crewai-"),
)
