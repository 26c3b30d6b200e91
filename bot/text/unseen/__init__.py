"""What a text has that nobody sees on its page."""
