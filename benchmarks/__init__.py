"""What otelier costs, beside the bare SDK and a hand-written floor. See ``python -m benchmarks``."""
