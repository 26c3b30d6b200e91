"""Everything before the first call of the model: fetch, check out, gather what the agent may see."""
