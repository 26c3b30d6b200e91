"""Which of the changes that pass is taken, and whether it is claimed at all."""
