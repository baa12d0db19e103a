"""SDKs by Stainless' generator."""
