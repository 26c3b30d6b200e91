"""How a known secret may be disguised in a text, and finding it there."""
