"""What keeps one person from asking for too much: blocks, limits, a nod before the first request."""
