"""The attacks that the self-test makes inside a sandbox; each must fail."""
