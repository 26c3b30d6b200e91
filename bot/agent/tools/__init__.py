"""The tools that a model may call, each carried out inside the sandbox."""
