"""``mistralai``."""
