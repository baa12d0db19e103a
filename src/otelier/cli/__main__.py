"""``python -m otelier.cli``: the command ``otelier`` of this very interpreter."""

import sys

from otelier.cli.main import main

sys.exit(main())
