"""Trees of agent frameworks, each in an environment of its own: ``make test-frameworks``."""
