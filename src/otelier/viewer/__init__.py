"""Traces for people: trees with models, tokens, cost and messages, in plain text."""
