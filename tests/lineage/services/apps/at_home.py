"""A worker of Celery's in the process that asks for the work: ``python -m …at_home threads``."""

from __future__ import annotations

import sys

from celery.contrib.testing.worker import start_worker

from tests.lineage.services.apps import reviews, sentiment

if __name__ == "__main__":
    with start_worker(sentiment.app, pool=sys.argv[1], perform_ping_check=False):
        reviews.one()
