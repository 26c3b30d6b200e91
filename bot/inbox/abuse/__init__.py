"""Limits on what one person may ask for: blocks, rates, a maintainer's approval of the first request."""
