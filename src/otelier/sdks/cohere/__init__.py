"""``cohere``."""
