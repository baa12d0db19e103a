"""The command ``otelier``."""
