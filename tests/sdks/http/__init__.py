"""Programs without an SDK."""
