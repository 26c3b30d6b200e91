"""Run untrusted commands on a layered checkout, contained. Knows nothing of ``bot``."""
