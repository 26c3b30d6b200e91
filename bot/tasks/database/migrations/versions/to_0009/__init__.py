"""The steps up to 0009: a folder holds at most sixteen modules."""
