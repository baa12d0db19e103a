"""With otelier the application and the provider see exactly what they see without it."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.transparency.runner", "tests.transparency.app")
