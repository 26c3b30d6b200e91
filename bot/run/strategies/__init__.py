"""The ways a task can go: a change, text only, an attempt that was kept, an approved change."""
