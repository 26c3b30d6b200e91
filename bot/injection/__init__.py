"""Whether a text that the agent reads as data reads like orders to it."""
