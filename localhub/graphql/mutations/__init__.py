"""The mutations, each of which registers itself."""
