"""The parts of each SDK: what spans say of its calls."""
