"""One attempt at a task: prepare, think, prove, publish."""
