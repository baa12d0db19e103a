"""The embedded default: finished spans as lines of OTLP/JSON in a file, and back."""
