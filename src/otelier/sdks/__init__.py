"""Model SDKs: a room each, which knows where its SDK's requests and results pass."""
