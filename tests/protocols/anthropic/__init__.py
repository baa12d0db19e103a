"""Anthropic's wire formats."""
