"""Edit templates for statements that are missing."""
