"""What deliveries tell of the ends of pull requests."""
