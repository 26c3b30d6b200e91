"""Attempts at one request: run them, store them, compare them."""
