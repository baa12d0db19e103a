"""``python -m otelier``: the command ``otelier``."""

import sys

from otelier.cli.main import main

sys.exit(main())
