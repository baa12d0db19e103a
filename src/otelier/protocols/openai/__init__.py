"""Wire formats of OpenAI, which many others speak."""
