"""Prompts as markdown files."""
