"""Hooks: where each SDK's requests and results pass. One file per SDK family, one table of all."""
