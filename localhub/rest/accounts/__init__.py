"""Apps, users, and an App's webhook deliveries."""
