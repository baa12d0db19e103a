"""The store over HTTP and over MCP: what comes in by OTLP, and answers to questions."""
