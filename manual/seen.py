"""What is seen of each library, in a line: by the name of its page."""

from __future__ import annotations

from typing import Final

SEEN: Final = {
    "openai": "responses, chat completions, embeddings, images, speech, transcription, moderation,"
    " video, searches in vector stores; Realtime, answers in the background, tool runners",
    "compatible": "whatever the OpenAI SDK asks by `base_url`: with the provider's own name, its"
    " usage fields and the cost that it reports",
    "anthropic": "messages, completions, token counts, tool runners, results of batches; clients"
    " of Bedrock, Vertex and Foundry",
    "groq": "chat, embeddings, speech, transcription",
    "together": "chat, completions, embeddings, images, speech, transcription",
    "cerebras": "chat, completions",
    "fireworks": "chat, completions",
    "writer": "chat, completions",
    "google_genai": "`generate_content` and its streams, chats, embeddings, images, token counts,"
    " interactions; automatic function calling; Gemini API and Vertex",
    "bedrock": "Converse and InvokeModel of all vendors, their streams, agents, flows, knowledge"
    " bases, rerank, guardrails; boto3 and aiobotocore",
    "mistralai": "chat, agents, FIM, conversations, embeddings, OCR, moderation, transcription,"
    " speech, responses; functions of `run_async`; clients of Azure and Google Cloud",
    "cohere": "chat, embed, rerank, generate, in both versions of the API; clients of Bedrock,"
    " SageMaker and Oracle",
    "ollama": "chat, generate, embed; load and evaluation times",
    "litellm": "completion, text completion, embedding, responses, rerank, images, speech,"
    " transcription, moderation, Router",
    "huggingface_hub": "chat, text generation, embeddings, images and their descriptions, speech,"
    " video, transcription, summarization, translation; who answered behind the router",
    "xai": "`sample`, `stream`, `parse`, deferred and fetched answers, compaction, images; xAI's"
    " own cost",
    "lm15": "chat and streams of its transports, by itself and as DSPy brings it along",
    "http": "calls without an SDK, by `httpx`, `httpx2`, `requests` or `aiohttp`, with"
    " `OTELIER_HTTP=true`",
}
