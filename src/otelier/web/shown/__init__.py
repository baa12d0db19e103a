"""What pages show: pure functions from spans and rows to what a template prints."""
