"""Mistral's APIs."""
