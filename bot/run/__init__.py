"""One run of a task: prepare, think, prove, publish."""
