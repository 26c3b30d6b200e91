"""The bubblewrap backend, which is the default."""
