"""Repositories: their files, commits, git objects, statuses and check runs."""
