"""Cohere's APIs."""
