"""``google-genai``."""
