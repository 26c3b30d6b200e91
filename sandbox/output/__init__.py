"""What a command prints and how it ended: streams, bounded capture, results."""
