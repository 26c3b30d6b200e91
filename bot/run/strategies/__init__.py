"""The ways a task can go: a change, text only, a stored attempt that is used, an approved change."""
