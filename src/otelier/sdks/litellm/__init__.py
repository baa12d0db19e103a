"""``litellm``."""
