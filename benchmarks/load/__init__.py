"""Otelier under load: many calls at once, many threads, a full pipeline, a long life."""
