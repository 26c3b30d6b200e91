"""Mirrors, change sets, commits and pushes."""
