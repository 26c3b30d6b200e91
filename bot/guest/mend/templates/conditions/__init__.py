"""Edit templates for conditions: parts, arms and type tests, mostly made like what stands beside them."""
