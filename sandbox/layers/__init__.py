"""Directories that make up a workspace: shared read-only layers, private ones, and reading what changed."""
