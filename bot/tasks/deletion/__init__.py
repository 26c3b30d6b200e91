"""What is deleted by itself: what is old, and what belonged to an installation that is gone."""
