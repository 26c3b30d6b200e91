"""What may be published, and the proof that it works."""
