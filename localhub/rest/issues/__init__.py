"""Issues, comments, labels and reactions."""
