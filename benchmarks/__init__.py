"""What otelier costs, beside the bare SDK and a hand-written floor: ``python -m benchmarks``."""
