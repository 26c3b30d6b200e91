"""What the commands of runs print while they run, and who watches: kept for a minute, never for good."""
