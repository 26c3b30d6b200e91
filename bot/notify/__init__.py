"""Telling people outside GitHub that a task failed, waits for approval or used its budget: webhook, mail."""
