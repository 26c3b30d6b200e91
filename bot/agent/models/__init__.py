"""Calling a language model: one provider, a chain of them, or a script."""
