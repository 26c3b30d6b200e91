"""The loop between a model and a sandbox, and the tools it may use."""
