"""The pages: what a person reads of a store in a browser."""
