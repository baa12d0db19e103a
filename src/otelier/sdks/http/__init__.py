"""Plain HTTP libraries, for programs without an SDK."""
