"""Faults in literals: numbers, strings, slices, patterns, formats, tables."""
