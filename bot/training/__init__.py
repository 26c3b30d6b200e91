"""Transcripts as training data, of repositories that agreed to that."""
