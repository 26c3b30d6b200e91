"""Learns the offline engine's order of candidates from bug fixes of the past: ``hob tune``."""
