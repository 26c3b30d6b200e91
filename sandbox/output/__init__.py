"""What a command printed and how it ended: streams, bounded capture, results."""
