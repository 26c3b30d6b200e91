"""Examples in a bug report: calls, with what they give and what they should give."""
