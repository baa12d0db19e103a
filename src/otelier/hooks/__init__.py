"""How anything is hooked: registry, patching, and what is around an SDK's own call. No vendor."""
