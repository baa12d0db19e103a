"""The local store: what writing costs, what it weighs, how long each question takes."""
