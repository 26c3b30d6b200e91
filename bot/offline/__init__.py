"""The engine that needs no language model."""
