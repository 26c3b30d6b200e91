"""The Docker backend."""
