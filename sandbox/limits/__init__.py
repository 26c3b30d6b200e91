"""Ceilings on memory and processes."""
