"""A small agent of each framework, to count what a step costs."""
