"""SDKs by Stainless' generator: OpenAI, Anthropic and those made alike."""
