"""What the model is told, as markdown files."""
