"""Places that no traced line shows: what is made on import."""
