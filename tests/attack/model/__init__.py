"""A hostile model: what it tries by tools, files and words over the whole path, and what must hold each time."""
