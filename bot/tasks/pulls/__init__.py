"""What became of pull requests after they were opened."""
