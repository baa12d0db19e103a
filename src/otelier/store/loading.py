"""What brings SQLite is imported with the first batch, and not while the program forks.

A child of the middle of an import, or of SQLite's own beginning, would wait for ever for a lock
that a thread has which is not there.
"""

from __future__ import annotations

from typing import Final

from otelier import forks

# To be held while parts of the store are imported, which is done once.
importing: Final = forks.Undisturbed(seconds=5.0)
