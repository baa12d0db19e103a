"""The version, alone, so that nothing need be imported to know it."""

from typing import Final

__version__: Final = "0.1.0"
# Where the documentation is.
SITE: Final = "https://otelier.github.io/otelier/"
