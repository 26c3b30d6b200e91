"""Variants on live work: what became of the tasks that a flag told one thing, against those told another."""
