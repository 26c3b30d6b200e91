"""What the self-test tries inside a sandbox."""
