"""What is released: built, looked at, installed and run (``make release-check``)."""
