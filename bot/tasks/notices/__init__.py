"""What people are told outside GitHub: what is to be sent, and whom repositories want told."""
