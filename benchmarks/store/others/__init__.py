"""Other stores of the same spans, each measured in the same way."""
